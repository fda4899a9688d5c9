//! Usage: peer <quote> <collateral.json> <unix seconds> <seconds to measure>
//! Prints microseconds of CPU per verification, nothing for 0 seconds. Exits with 0 where the quote verifies.
use dcap_qvl::{verify, QuoteCollateralV3};
use std::{env, fs, mem, time::Instant};

fn cpu_microseconds() -> f64 {
    let mut usage: libc::rusage = unsafe { mem::zeroed() };
    assert_eq!(unsafe { libc::getrusage(libc::RUSAGE_SELF, &mut usage) }, 0);
    let time = |value: libc::timeval| value.tv_sec as f64 * 1e6 + value.tv_usec as f64;
    time(usage.ru_utime) + time(usage.ru_stime)
}

fn main() {
    let args: Vec<String> = env::args().skip(1).collect();
    let quote = fs::read(&args[0]).unwrap();
    let given: serde_json::Value = serde_json::from_slice(&fs::read(&args[1]).unwrap()).unwrap();
    let text = |name: &str| given[name].as_str().unwrap().to_owned();
    let bytes = |name: &str| hex::decode(text(name)).unwrap();
    let collateral = QuoteCollateralV3 {
        pck_crl_issuer_chain: text("pck_crl_issuer_chain"),
        root_ca_crl: bytes("root_ca_crl"),
        pck_crl: bytes("pck_crl"),
        tcb_info_issuer_chain: text("tcb_info_issuer_chain"),
        tcb_info: text("tcb_info"),
        tcb_info_signature: bytes("tcb_info_signature"),
        qe_identity_issuer_chain: text("qe_identity_issuer_chain"),
        qe_identity: text("qe_identity"),
        qe_identity_signature: bytes("qe_identity_signature"),
        pck_certificate_chain: None,
    };
    let (at, seconds): (u64, f64) = (args[2].parse().unwrap(), args[3].parse().unwrap());
    let once = || verify::verify(&quote, &collateral, at).expect("the quote verifies");
    once();
    let (start, begin, mut count) = (cpu_microseconds(), Instant::now(), 0u32);
    while begin.elapsed().as_secs_f64() < seconds {
        once();
        count += 1;
    }
    if count == 0 {
        return;
    }
    println!("{{\"microseconds\":{:.1}}}", (cpu_microseconds() - start) / f64::from(count));
}
