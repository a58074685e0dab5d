//! What is asked: one line a case. Every path is one of httpbin's own endpoints.

/// One request, and how its two answers are compared.
#[derive(Clone, Debug)]
pub(crate) struct Case {
    pub(crate) method: &'static str,
    pub(crate) target: &'static str,
    pub(crate) version: &'static str,
    pub(crate) fields: Vec<(&'static str, String)>,
    pub(crate) body: Body,
    pub(crate) compared: Compared,
}

/// What is sent along.
#[derive(Clone, Debug)]
pub(crate) enum Body {
    Nothing,
    Whole(Vec<u8>),
    /// In chunks of this size.
    Chunked(Vec<u8>, usize),
}

/// How the contents are compared.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Compared {
    /// Byte for byte.
    Bytes,
    /// As JSON that echoes the request: without the fields that the edge adds.
    Echo,
    /// The same, a document a line.
    EchoLines,
    /// The same, after this coding is undone.
    Coded(Coding),
    /// Only the length: the content is drawn anew each time.
    Length,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Coding {
    Gzip,
    Deflate,
    Brotli,
}

/// One name for both, so that absolute addresses in answers are the same.
const HOST: &str = "shop.example";

const MIB: usize = 1024 * 1024;

pub(crate) fn all() -> Vec<Case> {
    let mut cases = methods();
    cases.extend(statuses());
    cases.extend(redirects());
    cases.extend(cookies_and_fields());
    cases.extend(conditions_and_ranges());
    cases.extend(content());
    cases.extend(streams());
    cases.extend(targets());
    cases.extend(uploads());
    cases.extend(credentials());
    cases
}

fn methods() -> Vec<Case> {
    vec![
        get("/get?a=1").echo(),
        request("HEAD", "/get").echo(),
        request("POST", "/post").text("a=1&b=2").echo(),
        request("PUT", "/put").text("whole").echo(),
        request("PATCH", "/patch").text("{\"part\":1}").echo(),
        request("DELETE", "/delete").echo(),
        request("DELETE", "/delete").text("why").echo(),
        request("OPTIONS", "/anything"),
        request("OPTIONS", "/get").field("origin", "https://shop.example"),
        request("GET", "/post"),
        request("HEAD", "/html"),
        request("HEAD", "/status/404"),
        request("HEAD", "/redirect/1"),
        request("HEAD", "/image/png"),
    ]
}

fn statuses() -> Vec<Case> {
    let mut cases: Vec<Case> = [
        "/status/200",
        "/status/201",
        "/status/202",
        "/status/204",
        "/status/205",
        "/status/301",
        "/status/302",
        "/status/303",
        "/status/304",
        "/status/305",
        "/status/307",
        "/status/400",
        "/status/401",
        "/status/402",
        "/status/404",
        "/status/406",
        "/status/407",
        "/status/410",
        "/status/418",
        "/status/429",
        "/status/451",
        "/status/500",
        "/status/502",
        "/status/503",
        "/status/504",
        "/status/520",
    ]
    .map(get)
    .into();
    cases.push(request("POST", "/status/422").text("x"));
    cases.push(request("DELETE", "/status/204"));
    cases.push(get("/nowhere"));
    cases
}

fn redirects() -> Vec<Case> {
    vec![
        get("/redirect/1"),
        get("/redirect/3"),
        get("/relative-redirect/2"),
        get("/absolute-redirect/1"),
        get("/absolute-redirect/3"),
        get("/redirect-to?url=/get"),
        get("/redirect-to?url=%2Fget%3Fa%3D1&status_code=307"),
        get("/redirect-to?url=https://elsewhere.example/x"),
        request("POST", "/redirect-to")
            .field("content-type", "application/x-www-form-urlencoded")
            .text("url=/post&status_code=308"),
        get("/links/5"),
    ]
}

fn cookies_and_fields() -> Vec<Case> {
    vec![
        get("/cookies").field("cookie", "a=1; b=\"two words\""),
        get("/cookies/set?a=1&b=2"),
        get("/cookies/set/session/abc%20def"),
        get("/cookies/delete?a&b").field("cookie", "a=1; b=2"),
        get("/response-headers?x-one=1&x-two=a&x-two=b&x-two=c"),
        get("/response-headers?Content-Type=text/plain%3B%20charset%3Dlatin-1&x-e=%E9%E8"),
        get(
            "/response-headers?Set-Cookie=a%3D1%3B%20Domain%3Delsewhere.example&Set-Cookie=b%3D2%3B%20Path%3D/x",
        ),
        get("/headers")
            .field("x-thing", "one")
            .field("accept-language", "de, en;q=0.5")
            .echo(),
        get("/headers")
            .field("x-empty", "")
            .field("x-long", &"v".repeat(4000))
            .echo(),
        get("/user-agent").field("user-agent", "a browser (of sorts)/1.0"),
        get("/ip"),
    ]
}

fn conditions_and_ranges() -> Vec<Case> {
    vec![
        get("/cache").echo(),
        get("/cache").field("if-none-match", "\"x\""),
        get("/cache").field("if-modified-since", "Sun, 06 Nov 1994 08:49:37 GMT"),
        get("/cache/60").echo(),
        get("/etag/abc").echo(),
        get("/etag/abc").field("if-none-match", "\"abc\""),
        get("/etag/abc").field("if-none-match", "W/\"abc\", \"d\""),
        get("/etag/abc").field("if-match", "\"other\""),
        get("/range/1024"),
        get("/range/1024").field("range", "bytes=0-9"),
        get("/range/1024").field("range", "bytes=1000-"),
        get("/range/1024").field("range", "bytes=-24"),
        get("/range/1024").field("range", "bytes=2000-3000"),
        get("/range/20000?chunk_size=700").field("range", "bytes=100-15000"),
    ]
}

fn content() -> Vec<Case> {
    vec![
        get("/html"),
        get("/json"),
        get("/xml"),
        get("/robots.txt"),
        get("/deny"),
        get("/encoding/utf8"),
        get("/forms/post"),
        get("/links/10/3"),
        get("/base64/aGVsbG8gd29ybGQ="),
        get("/bytes/0"),
        get("/bytes/1024?seed=1"),
        get("/bytes/102400?seed=7"),
        get("/bytes/100").length(),
        get("/uuid").length(),
        get("/image/png"),
        get("/image/jpeg"),
        get("/image/webp"),
        get("/image/svg"),
        get("/image").field("accept", "image/webp"),
        get("/image").field("accept", "application/json"),
        get("/gzip")
            .field("accept-encoding", "gzip")
            .coded(Coding::Gzip),
        get("/deflate")
            .field("accept-encoding", "deflate")
            .coded(Coding::Deflate),
        get("/brotli")
            .field("accept-encoding", "br")
            .coded(Coding::Brotli),
    ]
}

fn streams() -> Vec<Case> {
    vec![
        get("/stream/3").compared(Compared::EchoLines),
        get("/stream-bytes/5000?seed=2"),
        get("/stream-bytes/102400?seed=3&chunk_size=333"),
        get("/stream-bytes/5000?seed=2").version("HTTP/1.0"),
        get("/drip?duration=1&numbytes=8&delay=0"),
        get("/drip?duration=0&numbytes=5&code=206&delay=1"),
        get("/delay/1").echo(),
        get("/html").version("HTTP/1.0"),
        get("/get").field("connection", "close").echo(),
    ]
}

fn targets() -> Vec<Case> {
    vec![
        get("/anything").echo(),
        get("/anything/deep/er/path").echo(),
        get("/anything/with%20space/%E2%9C%93").echo(),
        get("/anything/%7Euser/semi;colon=1,2/at@sign:80").echo(),
        get("/anything/lower%c3%a9").echo(),
        get("/anything/%25%3F%23").echo(),
        get("/anything/trailing/").echo(),
        get("/anything?x=1&x=2&x=3").echo(),
        get("/anything?empty=&novalue&=noname&&x==y").echo(),
        get("/anything?q=a+b&r=%2B&s=%26%3D&t=%E2%9C%93").echo(),
        get("/anything?path=/../x/./y//z&back=\\").echo(),
        get("/anything?odd=[1]{2}|^`'!*()$,;:@").echo(),
        get("/anything??").echo(),
        get("/anything?").echo(),
    ]
}

fn uploads() -> Vec<Case> {
    let picture: Vec<u8> = (0..=255).cycle().take(70_000).collect();
    let form = "--X\r\ncontent-disposition: form-data; name=\"f\"; filename=\"a.txt\"\r\n\r\nfile\r\n--X--\r\n";
    vec![
        request("POST", "/post")
            .field("content-type", "application/json")
            .text("{\"a\":[1,2,{\"b\":null}]}")
            .echo(),
        request("POST", "/post")
            .field("content-type", "application/x-www-form-urlencoded")
            .text("a=1&a=2&b=%20")
            .echo(),
        request("POST", "/post")
            .field("content-type", "multipart/form-data; boundary=X")
            .text(form)
            .echo(),
        request("POST", "/post").whole(Vec::new()).echo(),
        request("POST", "/post").whole(picture.clone()).echo(),
        request("PUT", "/anything").chunked(picture, 999).echo(),
        request("POST", "/anything")
            .chunked(b"x".to_vec(), 1)
            .echo(),
        request("POST", "/anything").chunked(Vec::new(), 1).echo(),
        request("POST", "/post")
            .field("expect", "100-continue")
            .text("after the 100")
            .echo(),
        request("POST", "/post").whole(letters(5 * MIB)).echo(),
        request("PUT", "/put")
            .chunked(letters(5 * MIB), 64 * 1024)
            .echo(),
    ]
}

fn credentials() -> Vec<Case> {
    vec![
        get("/basic-auth/ann/secret"),
        get("/basic-auth/ann/secret").field("authorization", "Basic YW5uOnNlY3JldA=="),
        get("/basic-auth/ann/secret").field("authorization", "Basic YW5uOndyb25n"),
        get("/hidden-basic-auth/ann/secret"),
        get("/hidden-basic-auth/ann/secret").field("authorization", "Basic YW5uOnNlY3JldA=="),
        get("/bearer"),
        get("/bearer").field("authorization", "Bearer abc.def"),
    ]
}

fn letters(count: usize) -> Vec<u8> {
    (b'a'..=b'z').cycle().take(count).collect()
}

fn get(target: &'static str) -> Case {
    request("GET", target)
}

fn request(method: &'static str, target: &'static str) -> Case {
    Case {
        method,
        target,
        version: "HTTP/1.1",
        fields: Vec::new(),
        body: Body::Nothing,
        compared: Compared::Bytes,
    }
}

impl Case {
    fn field(mut self, name: &'static str, value: &str) -> Self {
        self.fields.push((name, value.to_owned()));
        self
    }

    fn text(self, text: &str) -> Self {
        self.whole(text.as_bytes().to_vec())
    }

    fn whole(mut self, body: Vec<u8>) -> Self {
        self.body = Body::Whole(body);
        self
    }

    fn chunked(mut self, body: Vec<u8>, size: usize) -> Self {
        self.body = Body::Chunked(body, size);
        self
    }

    fn version(mut self, version: &'static str) -> Self {
        self.version = version;
        self
    }

    fn echo(self) -> Self {
        self.compared(Compared::Echo)
    }

    fn length(self) -> Self {
        self.compared(Compared::Length)
    }

    fn coded(self, coding: Coding) -> Self {
        self.compared(Compared::Coded(coding))
    }

    fn compared(mut self, compared: Compared) -> Self {
        self.compared = compared;
        self
    }

    /// The exact bytes that are sent.
    pub(crate) fn bytes(&self) -> Vec<u8> {
        let (method, target, version) = (self.method, self.target, self.version);
        let mut request = format!("{method} {target} {version}\r\nhost: {HOST}\r\n").into_bytes();
        for (name, value) in &self.fields {
            request.extend(format!("{name}: {value}\r\n").bytes());
        }
        match &self.body {
            Body::Nothing => request.extend(b"\r\n"),
            Body::Whole(body) => {
                request.extend(format!("content-length: {}\r\n\r\n", body.len()).bytes());
                request.extend(body);
            }
            Body::Chunked(body, size) => {
                request.extend(b"transfer-encoding: chunked\r\n\r\n");
                for chunk in body.chunks(*size) {
                    request.extend(format!("{:x}\r\n", chunk.len()).bytes());
                    request.extend(chunk);
                    request.extend(b"\r\n");
                }
                request.extend(b"0\r\n\r\n");
            }
        }
        request
    }
}
