//! One access line: a JSON object, written straight into the core's buffer.

use std::time::Duration;

/// Writes members of one object. A name is written as it is given, a value is escaped.
#[derive(Debug)]
pub struct Line<'a> {
    out: &'a mut Vec<u8>,
    next: u8,
}

impl<'a> Line<'a> {
    /// Opens the object.
    pub fn open(out: &'a mut Vec<u8>) -> Self {
        Self { out, next: b'{' }
    }

    /// Closes it.
    pub fn close(self) {
        self.out.push(b'}');
    }

    /// A string.
    pub fn text(&mut self, name: &str, value: &[u8]) {
        self.raw(name, |out| {
            out.push(b'"');
            escape(value, out);
            out.push(b'"');
        });
    }

    /// A whole number.
    pub fn number(&mut self, name: &str, value: u64) {
        self.raw(name, |out| {
            out.extend_from_slice(itoa::Buffer::new().format(value).as_bytes());
        });
    }

    /// A duration in milliseconds with three digits behind the point.
    pub fn millis(&mut self, name: &str, value: Duration) {
        let us = u64::try_from(value.as_micros()).unwrap_or(u64::MAX);
        let digit = |value: u64| b'0' + u8::try_from(value % 10).unwrap_or(0);
        self.raw(name, |out| {
            out.extend_from_slice(itoa::Buffer::new().format(us / 1000).as_bytes());
            out.extend_from_slice(&[b'.', digit(us / 100), digit(us / 10), digit(us)]);
        });
    }

    /// Whatever `write` writes.
    pub fn raw(&mut self, name: &str, write: impl FnOnce(&mut Vec<u8>)) {
        self.out.push(self.next);
        self.next = b',';
        self.out.push(b'"');
        self.out.extend_from_slice(name.as_bytes());
        self.out.extend_from_slice(b"\":");
        write(self.out);
    }
}

fn escape(value: &[u8], out: &mut Vec<u8>) {
    let harmless = |byte: &u8| matches!(byte, 0x20..=0x7e) && !matches!(byte, b'"' | b'\\');
    if value.iter().all(harmless) {
        out.extend_from_slice(value);
        return;
    }
    for byte in value {
        match byte {
            b'"' | b'\\' => out.extend_from_slice(&[b'\\', *byte]),
            _ if harmless(byte) => out.push(*byte),
            // Bytes above ASCII are shown as Latin-1, so that a line is always valid JSON.
            _ => {
                const DIGITS: &[u8; 16] = b"0123456789abcdef";
                let (high, low) = (
                    DIGITS[usize::from(byte >> 4)],
                    DIGITS[usize::from(byte & 15)],
                );
                out.extend_from_slice(&[b'\\', b'u', b'0', b'0', high, low]);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn a_line_is_a_json_object() {
        let mut out = Vec::new();
        let mut line = Line::open(&mut out);
        line.text("path", b"/a\"b\\c\n\xff");
        line.number("status", 200);
        line.millis("duration_ms", Duration::from_micros(12_034));
        line.close();
        let text = String::from_utf8(out).unwrap();
        assert_eq!(
            text,
            r#"{"path":"/a\"b\\c\u000a\u00ff","status":200,"duration_ms":12.034}"#
        );
    }

    proptest! {
        #[test]
        fn no_value_breaks_a_line(value: Vec<u8>) {
            let mut out = Vec::new();
            let mut line = Line::open(&mut out);
            line.text("x", &value);
            line.close();
            let read: serde_json::Value = serde_json::from_slice(&out).unwrap();
            let shown: Vec<u8> = read["x"].as_str().unwrap().chars().map(|c| u8::try_from(u32::from(c)).unwrap()).collect();
            prop_assert_eq!(shown, value);
        }
    }
}
