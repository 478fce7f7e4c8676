//! The metadata of any file, and the file without it, which shows the same picture.
#![no_main]

use image::DynamicImage;
use imaging::{Codec, DecodeOptions, Index, Picture, Profile, Worker, metadata};

libfuzzer_sys::fuzz_target!(|file: &[u8]| {
    let Some(index) = Index::of(file) else { return };
    let exif = metadata::exif(&index);
    assert!(exif.is_none_or(|exif| exif.len() <= file.len()));
    let profile = metadata::icc(&index);
    if let Ok(probe) = imaging::probe(file)
        && let Some(profile) = Profile::of(&index, &probe)
    {
        // The profile may be anything, and must not panic.
        profile.to_srgb(&mut DynamicImage::new_rgba8(2, 2));
        profile.to_srgb(&mut DynamicImage::new_luma8(2, 2));
    }
    for kept in [true, false] {
        let Some(stripped) = metadata::stripped(&index, kept) else { continue };
        // The end of a PNG may have lacked its checksum.
        assert!(stripped.len() <= file.len() + 4, "it only removes bytes");
        let again = Index::of(&stripped).expect("a file of the same format");
        assert_eq!(metadata::exif(&again), None);
        assert_eq!(
            metadata::stripped(&again, kept).as_ref(),
            Some(&stripped),
            "a second time changes nothing"
        );
        if let Some(picture) = picture(file) {
            // Only whole files, as those that are passed on are.
            assert_eq!(self::picture(&stripped), Some(picture));
            assert_eq!(metadata::icc(&again), profile.clone().filter(|_| kept));
        }
    }
});

fn picture(file: &[u8]) -> Option<Picture> {
    let probe = imaging::probe(file).ok().filter(|probe| !probe.truncated)?;
    waterway_fuzz::limits().check(&probe).ok()?;
    Worker::with_codec(Codec::Pure, 0).decode(file, &probe, DecodeOptions::PIXELS).ok()
}
