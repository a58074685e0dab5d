//! The chunked coding (RFC 9112, section 7.1), as it comes in. Only what the grammar allows is read; extensions are
//! checked, counted, and dropped.

use std::ops::Range;

use http::HeaderMap;
use memchr::memchr;

use crate::fields;
use crate::refused::Refused;

/// A chunk's size and its extensions.
const LINE: usize = 4 * 1024;

/// All extensions of one message.
const EXTENSIONS: usize = 16 * 1024;

/// All trailers of one message.
const TRAILERS: usize = 16 * 1024;

/// Where in a chunked body the reading stands.
#[derive(Clone, Debug, Default)]
pub struct Chunks {
    at: At,
    extensions: usize,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum At {
    #[default]
    Size,
    Data(u64),
    DataEnd,
    Trailers,
    End,
}

/// What came next.
#[derive(Debug)]
pub enum Step {
    /// So much of the input is a part of the body.
    Data(Range<usize>),
    /// The body is over, with these trailers, which may be none. So much of the input is used.
    End(HeaderMap, usize),
    /// More input is needed; so much of it is used.
    More(usize),
}

impl Chunks {
    /// Whether the last chunk and the trailers have come.
    pub fn is_end(&self) -> bool {
        self.at == At::End
    }

    /// Reads on in `input`, which begins where the last step's part ended.
    pub fn step(&mut self, input: &[u8]) -> Result<Step, Refused> {
        let mut used = 0;
        loop {
            let rest = &input[used..];
            match self.at {
                At::Size => match line(rest, LINE, "a chunk's size is too long")? {
                    Some(length) => {
                        let size = self.size(&rest[..length])?;
                        self.at = if size == 0 {
                            At::Trailers
                        } else {
                            At::Data(size)
                        };
                        used += length + 2;
                    }
                    None => return Ok(Step::More(used)),
                },
                At::Data(_) if rest.is_empty() => return Ok(Step::More(used)),
                At::Data(left) => {
                    let length = usize::try_from(left).unwrap_or(usize::MAX).min(rest.len());
                    let left = left - length as u64;
                    self.at = if left == 0 {
                        At::DataEnd
                    } else {
                        At::Data(left)
                    };
                    return Ok(Step::Data(used..used + length));
                }
                At::DataEnd => match rest {
                    [b'\r', b'\n', ..] => {
                        self.at = At::Size;
                        used += 2;
                    }
                    [] | [b'\r'] => return Ok(Step::More(used)),
                    _ => return Err(Refused::Bad("a chunk does not end where it says")),
                },
                At::Trailers => {
                    let Some(length) = fields::end(rest, TRAILERS)? else {
                        return Ok(Step::More(used));
                    };
                    let trailers = fields::parse(&rest[..length])?;
                    self.at = At::End;
                    return Ok(Step::End(trailers, used + length));
                }
                At::End => return Ok(Step::End(HeaderMap::new(), used)),
            }
        }
    }

    /// Whether what is already here of a body is sound, without taking it.
    pub fn check(&self, mut input: &[u8]) -> Result<(), Refused> {
        let mut ahead = self.clone();
        loop {
            match ahead.step(input)? {
                Step::Data(range) => input = &input[range.end..],
                Step::End(..) | Step::More(_) => return Ok(()),
            }
        }
    }

    fn size(&mut self, line: &[u8]) -> Result<u64, Refused> {
        const BAD: Refused = Refused::Bad("a chunk's size is no hexadecimal number");
        let digits = line
            .iter()
            .take_while(|byte| byte.is_ascii_hexdigit())
            .count();
        // Sixteen digits are more than any body has.
        if !(1..=15).contains(&digits) {
            return Err(BAD);
        }
        let (digits, extensions) = line.split_at(digits);
        self.extensions += extensions.len();
        if self.extensions > EXTENSIONS {
            return Err(Refused::Bad("the chunks have too many extensions"));
        }
        are_extensions(extensions)?;
        let text = std::str::from_utf8(digits).map_err(|_| BAD)?;
        u64::from_str_radix(text, 16).map_err(|_| BAD)
    }
}

/// The length of the first line of `input`, without its CRLF.
fn line(input: &[u8], max: usize, too_long: &'static str) -> Result<Option<usize>, Refused> {
    match memchr(b'\n', input) {
        Some(end) if end > max => Err(Refused::Bad(too_long)),
        Some(end) if end == 0 || input[end - 1] != b'\r' => {
            Err(Refused::Bad("a line ends without a carriage return"))
        }
        Some(end) => Ok(Some(end - 1)),
        None if input.len() > max => Err(Refused::Bad(too_long)),
        None => Ok(None),
    }
}

/// `*( BWS ";" BWS name [ BWS "=" BWS ( token / quoted-string ) ] )`
fn are_extensions(mut rest: &[u8]) -> Result<(), Refused> {
    const BAD: Refused = Refused::Bad("a chunk's extension is malformed");
    while !rest.is_empty() {
        rest = after_space(rest).strip_prefix(b";").ok_or(BAD)?;
        rest = token(after_space(rest)).ok_or(BAD)?;
        let Some(value) = after_space(rest).strip_prefix(b"=") else {
            continue;
        };
        let value = after_space(value);
        rest = match value.strip_prefix(b"\"") {
            Some(quoted) => unquoted(quoted).ok_or(BAD)?,
            None => token(value).ok_or(BAD)?,
        };
    }
    Ok(())
}

fn after_space(text: &[u8]) -> &[u8] {
    let spaces = text
        .iter()
        .take_while(|byte| matches!(byte, b' ' | b'\t'))
        .count();
    &text[spaces..]
}

fn token(text: &[u8]) -> Option<&[u8]> {
    let length = text
        .iter()
        .take_while(|byte| fields::is_token(**byte))
        .count();
    (length > 0).then(|| &text[length..])
}

/// What follows a quoted string, whose opening quote is gone.
fn unquoted(mut text: &[u8]) -> Option<&[u8]> {
    loop {
        match text {
            [b'"', rest @ ..] => return Some(rest),
            [b'\\', byte, rest @ ..] if is_quotable(*byte) => text = rest,
            [byte, rest @ ..] if *byte != b'\\' && is_quotable(*byte) => text = rest,
            _ => return None,
        }
    }
}

fn is_quotable(byte: u8) -> bool {
    byte == b'\t' || (byte >= b' ' && byte != 0x7f)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The body and its trailers, with the input cut at every place.
    fn read(input: &[u8]) -> Result<(Vec<u8>, usize), Refused> {
        let whole = read_in_pieces(input, input.len());
        for piece in 1..input.len().min(9) {
            assert_eq!(read_in_pieces(input, piece), whole, "in pieces of {piece}");
        }
        whole
    }

    fn read_in_pieces(input: &[u8], piece: usize) -> Result<(Vec<u8>, usize), Refused> {
        let (mut chunks, mut body) = (Chunks::default(), Vec::new());
        let (mut from, mut to) = (0, 0);
        loop {
            match chunks.step(&input[from..to])? {
                Step::Data(range) => {
                    body.extend_from_slice(&input[from..to][range.clone()]);
                    from += range.end;
                }
                Step::End(trailers, used) => {
                    assert!(chunks.is_end());
                    assert_eq!(&input[from + used..to], b"");
                    return Ok((body, trailers.len()));
                }
                Step::More(used) => {
                    from += used;
                    assert!(to < input.len(), "it wants more than there is");
                    to = (to + piece).min(input.len());
                }
            }
        }
    }

    #[test]
    fn chunks_become_a_body() {
        let sound: [(&[u8], &[u8], usize); 6] = [
            (b"0\r\n\r\n", b"", 0),
            (b"3\r\nabc\r\n0\r\n\r\n", b"abc", 0),
            (
                b"0003\r\nabc\r\nA\r\n0123456789\r\n000\r\n\r\n",
                b"abc0123456789",
                0,
            ),
            (b"1;a\r\nx\r\n0;b=c;d=\"e;\\\"f\"\r\n\r\n", b"x", 0),
            (b"1 ; a = b\r\nx\r\n0\r\n\r\n", b"x", 0),
            (b"1\r\nx\r\n0\r\nx-sum: 7\r\nx-more:8\r\n\r\n", b"x", 2),
        ];
        for (input, body, trailers) in sound {
            assert_eq!(
                read(input),
                Ok((body.to_vec(), trailers)),
                "{}",
                input.escape_ascii()
            );
        }
    }

    #[test]
    fn whatever_could_be_read_in_two_ways_is_refused() {
        let unsound: [&[u8]; 19] = [
            b"\r\n",
            b"g\r\n",
            b"0x3\r\nabc\r\n",
            b"+3\r\nabc\r\n",
            b"-3\r\n",
            b" 3\r\nabc\r\n",
            b"3 \r\nabc\r\n",
            b"3\nabc\r\n",
            b"3\r\nabcd\r\n",
            b"3\r\nabc\n0\r\n\r\n",
            b"3\r\nabc0\r\n\r\n",
            b"10000000000000000\r\n",
            b"3;\r\nabc\r\n",
            b"3;a=\r\nabc\r\n",
            b"3;a=\"b\r\nabc\r\n",
            b"3;a\x00\r\nabc\r\n",
            b"0\r\nx-sum : 7\r\n\r\n",
            b"0\r\nx-sum: 7\n\r\n",
            b"0\r\n folded\r\n\r\n",
        ];
        for input in unsound {
            let mut chunks = Chunks::default();
            let mut rest = input;
            let refused = loop {
                match chunks.step(rest) {
                    Ok(Step::Data(range)) => rest = &rest[range.end..],
                    Ok(step) => panic!("{} was read: {step:?}", input.escape_ascii()),
                    Err(refused) => break refused,
                }
            };
            assert!(matches!(refused, Refused::Bad(_)));
            assert!(Chunks::default().check(input).is_err());
        }
    }

    #[test]
    fn what_nobody_needs_has_bounds() {
        let long = format!("1;{}\r\n", "a".repeat(LINE));
        assert!(Chunks::default().step(long.as_bytes()).is_err());
        assert!(Chunks::default().step(&vec![b'0'; LINE + 1]).is_err());
        let one = format!("1;{}\r\nx\r\n", "a".repeat(1000));
        assert!(Chunks::default().check(one.repeat(20).as_bytes()).is_err());
        let trailers = format!("0\r\n{}", "x: 1\r\n".repeat(TRAILERS / 6 + 1));
        assert!(Chunks::default().step(trailers.as_bytes()).is_err());
    }
}
