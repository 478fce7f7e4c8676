//! The index of any file's segments: they are in order, and no more than the bound allows.
#![no_main]

use imaging::codec::{self, SEGMENTS_MAX};
use imaging::{Format, Index};

libfuzzer_sys::fuzz_target!(|file: &[u8]| {
    let Some(index) = Index::of(file) else {
        assert!(Format::of(file).is_none());
        return;
    };
    let (mut end, mut count) = (0, 0);
    for segment in index.segments() {
        assert!(end <= segment.start && segment.start < segment.end && segment.end <= file.len());
        end = segment.end;
        count += 1;
    }
    // Before and after the first scan.
    assert!(count <= 2 * SEGMENTS_MAX);
    if let Ok((again, probe)) = codec::read(file) {
        assert!(again.segments().eq(index.segments()), "the index is the same each time");
        assert_eq!(probe.format, index.format());
    }
});
