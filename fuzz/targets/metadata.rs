//! What any file says beside its picture, and the file without it, which shows the same picture.
#![no_main]

use image::DynamicImage;
use waterway_consumers::image::codec::{self, Codec, Index, Wanted, metadata};
use waterway_consumers::image::picture::Picture;
use waterway_consumers::image::profile::Profile;

libfuzzer_sys::fuzz_target!(|file: &[u8]| {
    let Some(index) = Index::of(file) else { return };
    let exif = metadata::exif(&index);
    assert!(exif.is_none_or(|exif| exif.len() <= file.len()));
    let profile = metadata::icc(&index);
    if let Ok(probe) = codec::pure().probe(file)
        && let Some(profile) = Profile::of(&index, &probe)
    {
        // It ends no worker, whatever it is.
        profile.to_srgb(&mut DynamicImage::new_rgba8(2, 2));
        profile.to_srgb(&mut DynamicImage::new_luma8(2, 2));
    }
    for kept in [true, false] {
        let Some(stripped) = metadata::stripped(&index, kept) else { continue };
        // The end of a PNG may have lacked its sum.
        assert!(stripped.len() <= file.len() + 4, "it takes away");
        let again = Index::of(&stripped).expect("a file of the same format");
        assert_eq!(metadata::exif(&again), None);
        assert_eq!(metadata::stripped(&again, kept).as_ref(), Some(&stripped), "once is all");
        if let Some(picture) = picture(codec::pure(), file) {
            // Of a file that is whole, as those that are passed on are.
            assert_eq!(self::picture(codec::pure(), &stripped), Some(picture));
            assert_eq!(metadata::icc(&again), profile.clone().filter(|_| kept));
        }
    }
});

fn picture(codec: &dyn Codec, file: &[u8]) -> Option<Picture> {
    let probe = codec.probe(file).ok().filter(|probe| !probe.truncated)?;
    waterway_fuzz::limits().check(&probe).ok()?;
    codec.decode(file, &probe, Wanted::PIXELS).ok()
}
