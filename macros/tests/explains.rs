//! The compiler's errors for wrong consumers are a part of the interface. Each is compared with the
//! file `.stderr` of its example. After a change, `TRYBUILD=overwrite cargo test` writes these
//! files again; read them before you commit them.

#[test]
fn the_compiler_names_what_is_wrong_with_a_consumer() {
    let cases = trybuild::TestCases::new();
    cases.pass("tests/right/*.rs");
    cases.compile_fail("tests/wrong/*.rs");
}
