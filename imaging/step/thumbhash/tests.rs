//! Compared with the npm package `thumbhash` 0.1.1 on the same pictures.

use image::Rgba;

use super::*;

#[test]
fn hashes_are_those_of_the_reference() {
    let table = [
        ((32, 24), false, "3AgOHZpgdodwiIiGiGeIh/OkD/iH"),
        ((24, 32), false, "3PgNHRpgdnCIaIhoiId3iPSjD/d4"),
        ((17, 17), false, "2QkOHxpwd3eQiHiHh3eId3h3h4iAcI8I"),
        ((100, 3), false, "lVkOGZqBh4eQh3iIhAoH+Ic="),
        ((32, 24), true, "IQmGFIwnkXawiIhoKT/8oH8GeCiIiIiHCA=="),
        ((40, 90), true, "otiFEg4ngLGoeIigsQvpWXSHcHh3d3c="),
    ];
    for ((width, height), alpha, expected) in table {
        let picture = RgbaImage::from_fn(width, height, |x, y| {
            let alpha = if alpha { (x + y) * 255 / (width + height) } else { 255 };
            let part = |of: u32, whole: u32| (of * 255 / whole) as u8;
            Rgba([part(x, width), part(y, height), (x * y) as u8, alpha as u8])
        });
        let hash = STANDARD.encode(hash(&picture));
        assert_eq!(hash, expected, "{width} × {height}");
    }
}
