//! Texts of shaders for a page, which is to be small: without comments, indentation and empty lines.

#![cfg_attr(not(any(test, target_arch = "wasm32")), expect(dead_code, reason = "other programs have the whole texts"))]

/// The next byte of a shader's text from `at` on that is kept, and where the one behind it is.
const fn next(text: &[u8], mut at: usize, is_line_start: bool) -> Option<(u8, usize)> {
    while at < text.len() {
        let is_comment = text[at] == b'/' && at + 1 < text.len() && text[at + 1] == b'/';
        if is_comment {
            while at < text.len() && text[at] != b'\n' {
                at += 1;
            }
        } else if is_line_start && (text[at] == b' ' || text[at] == b'\n') {
            at += 1;
        } else {
            return Some((text[at], at + 1));
        }
    }
    None
}

/// Bytes that are left.
pub(super) const fn length(text: &str) -> usize {
    let (mut at, mut count, mut is_line_start) = (0, 0, true);
    while let Some((byte, behind)) = next(text.as_bytes(), at, is_line_start) {
        (at, count, is_line_start) = (behind, count + 1, byte == b'\n');
    }
    count
}

/// What is left: `LENGTH` is [`length`] of the text.
pub(super) const fn bytes<const LENGTH: usize>(text: &str) -> [u8; LENGTH] {
    let mut left = [b' '; LENGTH];
    let (mut at, mut count, mut is_line_start) = (0, 0, true);
    while let Some((byte, behind)) = next(text.as_bytes(), at, is_line_start) {
        left[count] = byte;
        (at, count, is_line_start) = (behind, count + 1, byte == b'\n');
    }
    left
}

/// A text of the program, shortened when it is compiled.
#[cfg(target_arch = "wasm32")]
macro_rules! shortened {
    ($text:expr) => {{
        const TEXT: &str = $text;
        const BYTES: [u8; crate::plan::shorten::length(TEXT)] = crate::plan::shorten::bytes(TEXT);
        match std::str::from_utf8(&BYTES) {
            Ok(text) => text,
            Err(_) => panic!("comments end with their lines"),
        }
    }};
}

/// A text of the program, as it is.
#[cfg(not(target_arch = "wasm32"))]
macro_rules! shortened {
    ($text:expr) => {
        $text
    };
}

pub(super) use shortened;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn code_is_left() {
        const TEXT: &str = "// What it is.\n\nfn f() {\n    let a = b / c; // why\n    // no\n}\n";
        assert_eq!(std::str::from_utf8(&bytes::<{ length(TEXT) }>(TEXT)).unwrap(), "fn f() {\nlet a = b / c; \n}\n");
        assert_eq!((length(""), length("// all"), length("\n \n"), length("a /")), (0, 0, 0, 3));
    }
}
