//! Faulty GIF files that viewers show all the same.

use gif::{Encoder, Frame};
use image::GenericImageView;

use super::super::{Limits, pixels};
use super::*;

const PALETTE: [u8; 12] = [255, 0, 0, 0, 255, 0, 0, 0, 255, 9, 9, 9];
const RED: [u8; 4] = [255, 0, 0, 255];
const GREEN: [u8; 4] = [0, 255, 0, 255];
const CLEAR: [u8; 4] = [0; 4];
const BLACK: [u8; 4] = [0, 0, 0, 255];
const WHITE: [u8; 4] = [255; 4];

/// A frame of this size at this position: red in its first row and green below.
fn frame(left: u16, top: u16, width: u16, height: u16) -> Frame<'static> {
    let pixels = (0..usize::from(width) * usize::from(height))
        .map(|at| u8::from(at >= usize::from(width)))
        .collect::<Vec<_>>();
    Frame { left, top, width, height, buffer: pixels.into(), ..Frame::default() }
}

fn gif(canvas: (u16, u16), frames: &[Frame<'_>]) -> Vec<u8> {
    let mut file = Vec::new();
    let mut encoder = Encoder::new(&mut file, canvas.0, canvas.1, &PALETTE).unwrap();
    for frame in frames {
        encoder.write_frame(frame).unwrap();
    }
    drop(encoder);
    file
}

/// The file with these bytes in place of its first extension.
fn with(mut file: Vec<u8>, blocks: &[u8]) -> Vec<u8> {
    let at = HEADER + PALETTE.len();
    assert_eq!(file[at..at + 2], *b"!\xF9");
    file.splice(at..at + 8, blocks.iter().copied());
    file
}

/// The file without its colour table.
fn bare(mut file: Vec<u8>) -> Vec<u8> {
    file[FLAGS] = 0;
    file.drain(HEADER..HEADER + PALETTE.len());
    file
}

#[test]
fn what_viewers_show_is_shown() {
    let whole = || gif((8, 6), &[frame(0, 0, 8, 6)]);
    let transparent = |length: u8| {
        [&[b'!', 0xF9, length][..], &[1, 0, 0, 1, 7][..usize::from(length)], b"\0"].concat()
    };
    let mut beyond_the_table = frame(0, 0, 8, 6);
    beyond_the_table.buffer.to_mut()[0] = 7;
    let table = [
        ("sound", whole(), (8, 6), RED, GREEN),
        ("a frame larger than the canvas", gif((4, 4), &[frame(0, 0, 8, 6)]), (8, 6), RED, GREEN),
        ("a canvas of no size", gif((0, 0), &[frame(0, 0, 8, 6)]), (8, 6), RED, GREEN),
        ("a canvas of no width", gif((0, 9), &[frame(0, 0, 8, 6)]), (8, 9), RED, CLEAR),
        ("a frame that reaches out", gif((8, 6), &[frame(3, 2, 8, 6)]), (11, 8), CLEAR, GREEN),
        ("a frame outside", gif((8, 6), &[frame(20, 20, 4, 4)]), (24, 24), CLEAR, GREEN),
        ("a frame of no size", gif((8, 6), &[frame(0, 0, 0, 0)]), (8, 6), CLEAR, CLEAR),
        ("no colour table", bare(whole()), (8, 6), BLACK, WHITE),
        ("a pixel of no colour", gif((8, 6), &[beyond_the_table]), (8, 6), BLACK, GREEN),
        ("an unknown extension", with(whole(), b"!\x55\x03abc\0"), (8, 6), RED, GREEN),
        ("bytes between blocks", with(whole(), b"\x55\0\0"), (8, 6), RED, GREEN),
        ("a control that is longer", with(whole(), &transparent(5)), (8, 6), RED, CLEAR),
        ("a control that is shorter", with(whole(), &transparent(3)), (8, 6), RED, GREEN),
        ("5000 frames", gif((8, 6), &vec![frame(0, 0, 8, 6); 5000]), (8, 6), RED, GREEN),
    ];
    for (name, file, size, first, last) in table {
        let probe = crate::codec::probe(&file).unwrap();
        assert!(!probe.truncated, "{name}");
        let picture = pixels(&file, &Limits::default()).unwrap();
        assert_eq!(picture.dimensions(), size, "{name}");
        // Transparent pixels may have any colour.
        let seen = |x, y| Some(picture.get_pixel(x, y).0).filter(|pixel| pixel[3] > 0);
        assert_eq!(seen(0, 0).unwrap_or(CLEAR), first, "{name}");
        assert_eq!(seen(size.0 - 1, size.1 - 1).unwrap_or(CLEAR), last, "{name}");
    }
}

#[test]
fn the_end_of_a_file_may_be_missing_and_only_the_first_frame_s_counts() {
    let file = gif((8, 6), &[frame(0, 0, 8, 6), frame(0, 0, 8, 6)]);
    let first = FirstFrame::of(&file).unwrap().data.end;
    for (length, truncated, last) in [
        (file.len() - 1, false, GREEN),
        (file.len() - 9, false, GREEN),
        (first, false, GREEN),
        (first - 1, true, GREEN),
    ] {
        assert_eq!(crate::codec::probe(&file[..length]).unwrap().truncated, truncated, "{length}");
        let picture = pixels(&file[..length], &Limits::default()).unwrap();
        assert_eq!(picture.get_pixel(0, 0).0, RED, "{length}");
        assert_eq!(picture.get_pixel(7, 5).0, last, "{length}");
    }
}

#[test]
fn a_frame_far_beyond_the_canvas_is_held_against_the_limits() {
    let mut file = gif((8, 6), &[frame(0, 0, 8, 6)]);
    let at = FirstFrame::of(&file).unwrap().data.start - DESCRIPTOR;
    file[at + 5..at + 9].fill(0xFF);
    let error = pixels(&file, &Limits::default()).unwrap_err();
    assert!(error.message().contains("65535 × 65535"), "{}", error.message());
}
