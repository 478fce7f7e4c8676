//! Files that clients send in place of a picture, and the messages that they get.

use super::*;
use crate::error::ErrorKind;
use crate::samples::{one_of_each, photo};

fn refusal(file: &[u8]) -> String {
    let error = crate::codec::probe(file).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::BadPicture, "{}", error.message());
    error.message().to_owned()
}

/// A file with these brands, as in ISO/IEC 14496-12.
fn media(brands: &[&[u8; 4]]) -> Vec<u8> {
    let mut brands = brands.to_vec();
    brands.insert(1, b"\0\0\0\0");
    let length = u8::try_from(8 + 4 * brands.len()).unwrap();
    [
        &[0, 0, 0, length],
        &b"ftyp"[..],
        &brands.into_iter().flatten().copied().collect::<Vec<u8>>(),
        b"\0\0\0\x08mdat",
    ]
    .concat()
}

#[test]
fn a_format_that_is_not_supported_is_named() {
    let bmp = [b"BM\x46\0\0\0\0\0\0\0\x36\0\0\0\x28\0\0\0", &[0; 60][..]].concat();
    let table: &[(&str, Vec<u8>)] = &[
        ("AVIF", media(&[b"avif", b"mif1", b"miaf"])),
        ("AVIF", media(&[b"mif1", b"avif"])),
        ("AVIF", media(&[b"avis", b"msf1"])),
        ("HEIC", media(&[b"heic", b"mif1"])),
        ("HEIC", media(&[b"mif1", b"heic"])),
        ("HEIF", media(&[b"mif1", b"1pic"])),
        ("CR3 (a camera's raw format)", media(&[b"crx ", b"isom"])),
        ("video (MP4 or QuickTime)", media(&[b"isom", b"mp42"])),
        ("video (MP4 or QuickTime)", media(&[b"qt  "])),
        ("video (WebM or Matroska)", b"\x1AE\xDF\xA3\x9FB\x86\x81\x01".to_vec()),
        ("video (AVI)", b"RIFF\0\0\x01\0AVI LIST".to_vec()),
        ("JPEG XL", b"\0\0\0\x0CJXL \r\n\x87\n\0\0\0\x14ftypjxl ".to_vec()),
        ("JPEG XL", b"\xFF\x0A\xFA\x1F\x01\x90".to_vec()),
        ("JPEG 2000", b"\0\0\0\x0CjP  \r\n\x87\n\0\0\0\x14ftypjp2 ".to_vec()),
        ("JPEG 2000", b"\xFF\x4F\xFF\x51\0\x2F".to_vec()),
        ("TIFF", b"II*\0\x08\0\0\0".to_vec()),
        ("TIFF", b"MM\0*\0\0\0\x08".to_vec()),
        ("BMP", bmp),
        ("ICO", b"\0\0\x01\0\x01\0\x10\x10".to_vec()),
        ("PSD", b"8BPS\0\x01\0\0".to_vec()),
        ("PNM (PBM, PGM or PPM)", b"P6\n2 2\n255\n".to_vec()),
        ("PDF", b"%PDF-1.7\n".to_vec()),
        ("SVG", b"<svg xmlns='http://www.w3.org/2000/svg'/>".to_vec()),
        ("SVG", b"\xEF\xBB\xBF<?xml version='1.0'?>\n<!-- made by hand -->\n<svg/>".to_vec()),
        ("a web page (HTML)", b"\n<!DOCTYPE html><title>404</title>".to_vec()),
        ("a web page (HTML)", b"<html><body><svg/></body></html>".to_vec()),
        ("a text in XML or HTML", b"<Error><Code>AccessDenied</Code></Error>".to_vec()),
    ];
    for (name, file) in table {
        let expected = format!("{name} is not supported: send a JPEG, PNG, WebP or GIF picture");
        assert_eq!(refusal(file), expected, "{file:?}");
    }
}

#[test]
fn what_is_packed_or_wrapped_around_a_picture_is_named_with_the_way_out() {
    let packed =
        |name| format!("a {name} file is not supported: unpack it, and send the picture itself");
    assert_eq!(refusal(b"\x1F\x8B\x08\0\0\0\0\0"), packed("gzip"));
    assert_eq!(refusal(b"PK\x03\x04\x14\0"), packed("zip"));
    let form = b"--------------------------d74496d66958873e\r\nContent-Disposition: form-data; \
                 name=\"file\"; filename=\"a.jpg\"\r\nContent-Type: image/jpeg\r\n\r\n\xFF\xD8\xFF";
    let message = refusal(form);
    assert!(message.contains("--data-binary") && message.contains("form"), "{message}");
    for text in ["/9j/4AAQSkZJRg", "iVBORw0KGgoAAAA", "R0lGODlhAQAB", "UklGRiQAAABXRUJQ"] {
        for text in [text.to_owned(), format!("\r\n{text}"), format!("data:image/x;base64,{text}")]
        {
            let message = refusal(text.as_bytes());
            assert!(message.contains("base64"), "{text}: {message}");
        }
    }
    assert_eq!(refusal(b""), "the file is empty");
    for unknown in [&b"hello"[..], b"BMW", b"P6", b"--", b"\0\0\0\x08ftyp1234", b"{\"a\":1}"] {
        let message = refusal(unknown);
        let known = message.contains("video") || message.starts_with("this is not a JPEG");
        assert!(known, "{unknown:?}: {message}");
    }
}

#[test]
fn a_picture_sent_by_curl_d_is_told_so() {
    for (name, file) in one_of_each(&photo(60, 40)) {
        assert!(check_stripped(&file).is_ok(), "{name}");
        let sent: Vec<u8> = file.iter().copied().filter(|byte| !b"\0\r\n".contains(byte)).collect();
        let message = refusal(&sent);
        assert!(message.contains("--data-binary"), "{name}: {message}");
        assert!(
            check_stripped(&sent[..20]).is_ok(),
            "{name}: a short file may lack them by chance"
        );
    }
}
