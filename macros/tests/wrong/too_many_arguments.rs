use waterway::Text;

#[waterway::consumer]
async fn receive(
    _a: Text,
    _b: Text,
    _c: Text,
    _d: Text,
    _e: Text,
    _f: Text,
    _g: Text,
    _h: Text,
    _i: Text,
) {
}

fn main() {}
