//! Which addresses events may be sent to.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

/// Whether an address belongs to the public internet.
///
/// It follows the registries of special addresses (RFC 6890): private, loopback, link-local,
/// multicast, documentation and reserved addresses are not public. Nor is an IPv6 address that
/// contains an IPv4 address, because a translator may bring it to any IPv4 address.
pub(super) fn is_public(address: IpAddr) -> bool {
    match address {
        IpAddr::V4(address) => is_public_v4(address),
        IpAddr::V6(address) => is_public_v6(address),
    }
}

#[expect(clippy::unnested_or_patterns, reason = "one pattern for each entry of the registry")]
fn is_public_v4(address: Ipv4Addr) -> bool {
    let special = match address.octets() {
        // This network; private; loopback.
        [0 | 10 | 127, ..]
        // Carrier-grade NAT (RFC 6598).
        | [100, 64..=127, ..]
        // Link-local, and the metadata services of clouds.
        | [169, 254, ..]
        | [172, 16..=31, ..]
        | [192, 168, ..]
        // IETF protocols; documentation; 6to4 relays.
        | [192, 0, 0 | 2, _]
        | [192, 88, 99, _]
        // Benchmarks (RFC 2544).
        | [198, 18 | 19, ..]
        | [198, 51, 100, _]
        | [203, 0, 113, _]
        // Multicast, reserved, broadcast.
        | [224..=255, ..] => true,
        _ => false,
    };
    !special
}

#[expect(clippy::unnested_or_patterns, reason = "one pattern for each entry of the registry")]
fn is_public_v6(address: Ipv6Addr) -> bool {
    let special = match address.segments() {
        // IETF protocols, Teredo among them; documentation; 6to4.
        [0x2001, 0..=0x01ff, ..] | [0x2001, 0x0db8, ..] | [0x2002, ..]
        // Documentation (RFC 9637).
        | [0x3fff, 0..=0x0fff, ..]
        // Everything but global unicast: loopback, IPv4-mapped, NAT64, unique local, link-local,
        // multicast.
        | [0..=0x1fff | 0x4000..=0xffff, ..] => true,
        _ => false,
    };
    !special
}

#[cfg(test)]
mod tests {
    use super::is_public;

    #[test]
    fn only_addresses_of_the_public_internet_are_public() {
        for (addresses, public) in [
            ("8.8.8.8 1.1.1.1 93.184.216.34 172.15.0.1 172.32.0.1 100.63.0.1 100.128.0.1", true),
            ("192.0.1.1 198.17.255.255 198.20.0.0 223.255.255.255 169.253.0.1 11.0.0.1", true),
            ("2606:4700::1111 2001:4860:4860::8888 2a00:1450::1 2001:200::1 3ffe::1", true),
            ("0.0.0.0 10.0.0.1 127.0.0.1 127.255.255.255 169.254.169.254 172.16.0.1", false),
            ("172.31.255.255 192.168.0.1 100.64.0.1 100.127.255.255 192.0.0.1 192.0.2.1", false),
            ("192.88.99.1 198.18.0.1 198.19.0.1 198.51.100.1 203.0.113.1 224.0.0.1", false),
            ("239.255.255.255 240.0.0.1 255.255.255.255", false),
            (":: ::1 ::ffff:8.8.8.8 ::ffff:127.0.0.1 ::8.8.8.8 64:ff9b::808:808", false),
            ("64:ff9b:1::1 100::1 2001::1 2001:2::1 2001:db8::1 2002:808:808::1", false),
            ("3fff::1 fc00::1 fd12::1 fe80::1 fec0::1 ff02::1 5f00::1 4000::1", false),
        ] {
            for address in addresses.split_whitespace() {
                assert_eq!(is_public(address.parse().unwrap()), public, "{address}");
            }
        }
    }
}
