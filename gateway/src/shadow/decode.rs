//! Bodies without their content-encoding: what they say is compared, not how it was packed.

use std::io::Read;

use bytes::Bytes;
use http::HeaderMap;
use http::header::CONTENT_ENCODING;

/// A body that unpacks to more than may be looked at.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TooLarge;

/// The body as it was before it was packed, at most `max` bytes. What is packed in a way that is not known here, or is
/// broken, stays as it is.
pub fn decoded(fields: &HeaderMap, body: Bytes, max: usize) -> Result<Bytes, TooLarge> {
    let packed: Vec<&str> = fields
        .get_all(CONTENT_ENCODING)
        .iter()
        .filter_map(|value| value.to_str().ok())
        .flat_map(|value| value.split(','))
        .map(str::trim)
        .collect();
    let mut body = body;
    // The last one was applied last.
    for encoding in packed.into_iter().rev() {
        let unpacked = match encoding.to_ascii_lowercase().as_str() {
            "identity" | "" => continue,
            "gzip" | "x-gzip" => limited(flate2::read::MultiGzDecoder::new(&*body), max)?,
            "deflate" => match limited(flate2::read::ZlibDecoder::new(&*body), max)? {
                // RFC 9110, section 8.4.1.2: some leave out the frame around it.
                None => limited(flate2::read::DeflateDecoder::new(&*body), max)?,
                framed => framed,
            },
            "br" => {
                let buffer = body.len().clamp(1, 4096);
                limited(brotli_decompressor::Decompressor::new(&*body, buffer), max)?
            }
            _ => None,
        };
        let Some(unpacked) = unpacked else {
            break;
        };
        body = Bytes::from(unpacked);
    }
    Ok(body)
}

/// All of it, or nothing where it is broken.
fn limited(source: impl Read, max: usize) -> Result<Option<Vec<u8>>, TooLarge> {
    let mut unpacked = Vec::new();
    // One more than may be: whoever has it has too much.
    let limit = u64::try_from(max).unwrap_or(u64::MAX).saturating_add(1);
    match source.take(limit).read_to_end(&mut unpacked) {
        Ok(length) if length > max => Err(TooLarge),
        Ok(_) => Ok(Some(unpacked)),
        Err(_) => Ok(None),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::Write as _;

    use flate2::Compression;
    use flate2::write::{DeflateEncoder, GzEncoder, ZlibEncoder};

    const TEXT: &[u8] = b"{\"id\": 7}";

    fn gzip(bytes: &[u8]) -> Vec<u8> {
        let mut encoder = GzEncoder::new(Vec::new(), Compression::default());
        encoder.write_all(bytes).unwrap();
        encoder.finish().unwrap()
    }

    fn encoded(encoding: &'static str) -> HeaderMap {
        HeaderMap::from_iter([(CONTENT_ENCODING, http::HeaderValue::from_static(encoding))])
    }

    #[test]
    fn what_was_packed_is_unpacked() {
        let mut zlib = ZlibEncoder::new(Vec::new(), Compression::default());
        zlib.write_all(TEXT).unwrap();
        let mut raw = DeflateEncoder::new(Vec::new(), Compression::default());
        raw.write_all(TEXT).unwrap();
        // `printf '{"id": 7}' | brotli`
        let brotli = [11, 4, 128, 123, 34, 105, 100, 34, 58, 32, 55, 125, 3];
        for (encoding, body) in [
            ("gzip", gzip(TEXT)),
            ("X-Gzip", gzip(TEXT)),
            ("deflate", zlib.finish().unwrap()),
            ("deflate", raw.finish().unwrap()),
            ("br", brotli.to_vec()),
            ("identity", TEXT.to_vec()),
            ("gzip, gzip", gzip(&gzip(TEXT))),
        ] {
            let body = decoded(&encoded(encoding), Bytes::from(body), 100).unwrap();
            assert_eq!(body, TEXT, "{encoding}");
        }
    }

    #[test]
    fn what_is_unknown_or_broken_stays_as_it_is() {
        for encoding in ["zstd", "gzip", "br"] {
            let body = Bytes::from_static(b"\xff\xff\xff\xff plain");
            assert_eq!(decoded(&encoded(encoding), body.clone(), 100), Ok(body));
        }
        assert_eq!(
            decoded(&HeaderMap::new(), Bytes::from_static(TEXT), 1),
            Ok(TEXT.into())
        );
    }

    #[test]
    fn a_bomb_goes_off_nowhere() {
        let bomb = gzip(&vec![0; 10 * 1024 * 1024]);
        assert!(bomb.len() < 20_000);
        let unpacked = decoded(&encoded("gzip"), Bytes::from(bomb), 1024 * 1024);
        assert_eq!(unpacked, Err(TooLarge));
    }
}
