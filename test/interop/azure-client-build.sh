#!/usr/bin/env bash
# Builds Microsoft's attested-ohttp-client from its sources, which are left as they are: only manifests are changed,
# so that no other repository is fetched, and a few lines are added that say what their verifier of receipts returns,
# for their client ignores it. Prints the folder of `ohttp-client-cli` and `examples/receipt`.
#
#   azure-client-build.sh CLIENT OHTTP FOLDER
#
# CLIENT and OHTTP are git repositories (folders or URLs) of microsoft/attested-ohttp-client and microsoft/ohttp.
set -euo pipefail
client=$1 ohttp=$2 folder=$3
# The versions that docs/compat-azure.md speaks of.
client_commit=4770f18240e01bcf0839c963b1f9eb8e984b1553
ohttp_commit=6347bf9e64661061d8fd7484e93629a66c4c011b
mkdir -p "$folder"
fetch() {
  [ -d "$folder/$1" ] && return
  git clone -q --no-checkout "$2" "$folder/$1"
  # Their longest recording is not part of every copy, and no part of the client.
  git -C "$folder/$1" sparse-checkout set --no-cone '/*' '!/examples'
  git -C "$folder/$1" checkout -q "$3"
}
fetch client "$client" "$client_commit" >&2
fetch ohttp "$ohttp" "$ohttp_commit" >&2
cd "$folder/client"
# Its dependency on the other repository by path; the Python binding and a post-quantum option that it does not use left out.
sed -i '/pyohttp/d' Cargo.toml
sed -i -e 's#^git = "https://github.com/microsoft/ohttp.git"#path = "../../ohttp/NAME"#' -e '/^branch = "main"/d' ohttp-client/Cargo.toml
sed -i -e '/dependencies.bhttp/,/path/s#NAME#bhttp#' -e '/dependencies.ohttp\]/,/path/s#NAME#ohttp#' ohttp-client/Cargo.toml
sed -i -e 's/^pq = .*/pq = []/' -e '/^\[dependencies.hpke-pq\]/,/^$/d' "../ohttp/ohttp/Cargo.toml"
mkdir -p verifier/examples
cat >verifier/examples/receipt.rs <<'RUST'
fn main() {
    let read = |n: usize| std::fs::read_to_string(std::env::args().nth(n).unwrap()).unwrap();
    println!("{}", verifier::verify(&read(1), &read(2)).unwrap_or(false));
}
RUST
cargo build --quiet --bin ohttp-client-cli "${@:4}" >&2
cargo build --quiet -p verifier --example receipt "${@:4}" >&2
echo "${CARGO_TARGET_DIR:-$PWD/target}/debug"
