//! What any file says beside its picture, and the file without it, which shows the same picture.
#![no_main]

use waterway_consumers::image::codec::{self, Codec, Format, Wanted, metadata};
use waterway_consumers::image::picture::Picture;

libfuzzer_sys::fuzz_target!(|file: &[u8]| {
    let Some(format) = Format::of(file) else { return };
    let exif = metadata::exif(file, format);
    assert!(exif.is_none_or(|exif| exif.len() <= file.len()));
    let profile = metadata::icc(file, format);
    for kept in [true, false] {
        let Some(stripped) = metadata::stripped(file, format, kept) else { continue };
        assert!(stripped.len() <= file.len() + 2, "it takes away");
        assert_eq!(metadata::exif(&stripped, format), None);
        if let Some(picture) = picture(codec::pure(), file) {
            // Of a file that is whole, as those that are passed on are.
            assert_eq!(self::picture(codec::pure(), &stripped), Some(picture));
            assert_eq!(metadata::icc(&stripped, format), profile.clone().filter(|_| kept));
        }
    }
});

fn picture(codec: &dyn Codec, file: &[u8]) -> Option<Picture> {
    let probe = codec.probe(file).ok().filter(|probe| !probe.truncated)?;
    waterway_fuzz::limits().check(&probe).ok()?;
    codec.decode(file, &probe, Wanted::PIXELS).ok()
}
