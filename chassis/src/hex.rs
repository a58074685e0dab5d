//! Lower-case hexadecimal without an allocation.

const DIGITS: &[u8; 16] = b"0123456789abcdef";

/// Writes `value` as 32 lower-case digits into the start of `out`.
pub(crate) fn write_u128(value: u128, out: &mut [u8]) {
    write(&value.to_be_bytes(), out);
}

/// Writes `value` as 16 lower-case digits into the start of `out`.
pub(crate) fn write_u64(value: u64, out: &mut [u8]) {
    write(&value.to_be_bytes(), out);
}

fn write(bytes: &[u8], out: &mut [u8]) {
    for (pair, byte) in out.chunks_exact_mut(2).zip(bytes) {
        pair[0] = DIGITS[usize::from(byte >> 4)];
        pair[1] = DIGITS[usize::from(byte & 15)];
    }
}

/// Reads lower-case digits; anything else, upper case included, is `None`.
pub(crate) fn read_u128(digits: &[u8]) -> Option<u128> {
    if digits.is_empty() || digits.len() > 32 {
        return None;
    }
    digits.iter().try_fold(0_u128, |value, digit| {
        let nibble = match digit {
            b'0'..=b'9' => digit - b'0',
            b'a'..=b'f' => digit - b'a' + 10,
            _ => return None,
        };
        Some(value << 4 | u128::from(nibble))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn digits_survive_the_way_out_and_back() {
        let mut out = [0; 32];
        write_u128(0x0123_4567_89ab_cdef_0000_0000_0000_00ff, &mut out);
        assert_eq!(&out, b"0123456789abcdef00000000000000ff");
        assert_eq!(
            read_u128(&out),
            Some(0x0123_4567_89ab_cdef_0000_0000_0000_00ff)
        );
        assert_eq!(read_u128(b"0G"), None);
        assert_eq!(read_u128(b"0A"), None);
    }
}
