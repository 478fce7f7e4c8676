//! What this process may use of the machine: memory, open files, and instructions of its processor.

use std::fs;
use std::path::Path;

use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};

/// The memory assumed on systems that do not report it: 2 GiB.
const MEMORY_ASSUMED: u64 = 2 << 30;

/// The most memory that this process may use, in bytes: the minimum of the installed memory, the
/// limits of its cgroup and of all cgroups above it, and its soft `RLIMIT_AS` and `RLIMIT_DATA`.
/// Swap is not counted. Call it once, because it reads files of `/proc` and `/sys`.
pub(crate) fn memory_limit() -> u64 {
    let read = |path: &Path| fs::read_to_string(path).ok();
    let own = [Resource::As, Resource::Data].map(|resource| getrlimit(resource).current);
    let limits = own.into_iter().chain([installed(read), cgroup_limit(read)]);
    limits.flatten().min().unwrap_or(MEMORY_ASSUMED)
}

/// Raises the soft limit on open files to `wanted`, or to the hard limit if that is lower, and
/// returns the resulting limit. It never lowers the limit.
pub(crate) fn raise_open_files(wanted: u64) -> u64 {
    let Rlimit { current, maximum } = getrlimit(Resource::Nofile);
    // `None` means unlimited.
    let (current, highest) = (current.unwrap_or(u64::MAX), maximum.unwrap_or(u64::MAX));
    let raised = wanted.min(highest);
    if raised <= current {
        return current;
    }
    match setrlimit(Resource::Nofile, Rlimit { current: Some(raised), maximum }) {
        Ok(()) => raised,
        Err(_) => current,
    }
}

/// Whether the processor has the instructions that Graviola, the cryptography of TLS here, needs. It is
/// compiled by rustc alone.
///
/// # Errors
/// If it lacks one: a sentence that names all of them.
pub fn can_do_tls() -> Result<(), &'static str> {
    #[cfg(target_arch = "x86_64")]
    let able = is_x86_feature_detected!("aes")
        && is_x86_feature_detected!("pclmulqdq")
        && is_x86_feature_detected!("avx2")
        && is_x86_feature_detected!("adx")
        && is_x86_feature_detected!("bmi2");
    #[cfg(target_arch = "aarch64")]
    let able = std::arch::is_aarch64_feature_detected!("aes")
        && std::arch::is_aarch64_feature_detected!("pmull")
        && std::arch::is_aarch64_feature_detected!("sha2");
    #[cfg(not(any(target_arch = "x86_64", target_arch = "aarch64")))]
    let able = false;
    if able {
        return Ok(());
    }
    Err("this processor lacks instructions that TLS needs here (x86_64: AES, PCLMULQDQ, AVX2, ADX \
         and BMI2; aarch64: AES, PMULL and SHA2)")
}

/// `MemTotal` of `/proc/meminfo`, whose kB are KiB (`proc_meminfo(5)`).
fn installed(read: impl Fn(&Path) -> Option<String>) -> Option<u64> {
    let meminfo = read(Path::new("/proc/meminfo"))?;
    let total = meminfo.lines().find_map(|line| line.strip_prefix("MemTotal:"))?;
    let kibibytes: u64 = total.trim().strip_suffix("kB")?.trim_end().parse().ok()?;
    kibibytes.checked_mul(1024)
}

/// The lowest limit of this process's cgroup and those above it (`cgroups(7)`; for `memory.max` and
/// `memory.high` the kernel's "Control Group v2"). The kernel does not kill a process above
/// `memory.high`, but slows it almost to a halt.
///
/// Inside a container, `/proc/self/cgroup` may name a path of the host that `/sys` does not have.
/// The container's own cgroup is then the root of the mount, where this walk ends.
fn cgroup_limit(read: impl Fn(&Path) -> Option<String>) -> Option<u64> {
    const VERSION_1: (&[&str], &[&str]) = (&["/sys/fs/cgroup/memory"], &["memory.limit_in_bytes"]);
    const VERSION_2: (&[&str], &[&str]) =
        (&["/sys/fs/cgroup", "/sys/fs/cgroup/unified"], &["memory.max", "memory.high"]);
    let membership = read(Path::new("/proc/self/cgroup"))?;
    let mut least: Option<u64> = None;
    for line in membership.lines() {
        let mut parts = line.splitn(3, ':').skip(1);
        let (Some(controllers), Some(own)) = (parts.next(), parts.next()) else { continue };
        let (mounts, files) = match controllers {
            "" => VERSION_2,
            _ if controllers.split(',').any(|controller| controller == "memory") => VERSION_1,
            _ => continue,
        };
        for above in Path::new(own.trim_start_matches('/')).ancestors() {
            for folder in mounts.iter().map(|mount| Path::new(mount).join(above)) {
                let texts = files.iter().filter_map(|file| read(&folder.join(file)));
                // For no limit, version 2 writes "max" and version 1 a number near 2⁶³.
                let limits = texts.filter_map(|text| text.trim().parse().ok());
                least = least.into_iter().chain(limits).min();
            }
        }
    }
    least
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::{cgroup_limit, installed, memory_limit};

    const GIB: u64 = 1 << 30;

    /// Reads from a table of paths and texts instead of the file system.
    fn texts<'a>(files: &'a [(&str, &str)]) -> impl Fn(&Path) -> Option<String> + 'a {
        |path| {
            let found = files.iter().find(|(name, _)| Path::new(name) == path);
            found.map(|(_, text)| (*text).to_owned())
        }
    }

    #[test]
    fn installed_memory_is_what_meminfo_calls_total() {
        for (text, expected) in [
            ("MemTotal:       16384000 kB\nMemFree:         1024 kB\n", Some(16_384_000 * 1024)),
            ("MemFree:         1024 kB\nMemTotal: 1 kB\n", Some(1024)),
            ("MemFree:         1024 kB\n", None),
            ("MemTotal: many kB\n", None),
            ("MemTotal: 18446744073709551615 kB\n", None),
        ] {
            assert_eq!(installed(texts(&[("/proc/meminfo", text)])), expected, "{text}");
        }
        assert_eq!(installed(texts(&[])), None);
    }

    #[test]
    fn a_cgroup_is_limited_by_itself_and_by_every_cgroup_above_it() {
        const SLICE: &str = "0::/system.slice/waterway.service\n";
        const DOCKER: &str = "12:pids:/docker/e5\n11:cpu,memory:/docker/e5\n0::/docker/e5\n";
        let check = |membership: &str, files: &[(&str, &str)], expected: Option<u64>| {
            let mut all = vec![("/proc/self/cgroup", membership)];
            all.extend(files);
            assert_eq!(cgroup_limit(texts(&all)), expected, "{membership}{files:?}");
        };
        let own = "/sys/fs/cgroup/system.slice/waterway.service/memory.max";
        let own_high = "/sys/fs/cgroup/system.slice/waterway.service/memory.high";
        let above = "/sys/fs/cgroup/system.slice/memory.max";
        check(SLICE, &[(own, "1073741824\n"), (above, "max\n")], Some(GIB));
        check(SLICE, &[(own, "max\n"), (above, "1073741824\n")], Some(GIB));
        check(SLICE, &[(own, "2147483648\n"), (above, "1073741824\n")], Some(GIB));
        check(SLICE, &[(own, "2147483648\n"), (own_high, "1073741824\n")], Some(GIB));
        check(SLICE, &[(own, "max\n"), (own_high, "max\n"), (above, "max\n")], None);
        check(SLICE, &[], None);
        // A container with a cgroup namespace, and one without: its own cgroup is the mount's root.
        check("0::/\n", &[("/sys/fs/cgroup/memory.max", "1073741824\n")], Some(GIB));
        check("0::/docker/e5\n", &[("/sys/fs/cgroup/memory.max", "1073741824\n")], Some(GIB));
        // Version 1, alone and together with version 2.
        let docker = "/sys/fs/cgroup/memory/docker/e5/memory.limit_in_bytes";
        let root = "/sys/fs/cgroup/memory/memory.limit_in_bytes";
        check(DOCKER, &[(docker, "1073741824\n"), (root, "9223372036854771712\n")], Some(GIB));
        check(DOCKER, &[(root, "1073741824\n")], Some(GIB));
        let unified = "/sys/fs/cgroup/unified/docker/memory.max";
        check(DOCKER, &[(root, "2147483648\n"), (unified, "1073741824\n")], Some(GIB));
        // Lines that do not fit the format are skipped.
        check("\n0\n0:\nmemory\n", &[(root, "1\n"), ("/sys/fs/cgroup/memory.max", "1\n")], None);
    }

    #[test]
    fn this_process_has_a_limit_that_the_machine_can_hold() {
        let limit = memory_limit();
        assert!((1 << 20..1 << 50).contains(&limit), "{limit}");
    }
}
