#!/bin/sh
# Fuzzes the document reader and editor, the rule language, the layer reader, or the readers of packages:
# run.sh [SECONDS] [documents|detection|archives|packages]. Needs a Swift
# toolchain and, once, `swift package resolve`.
set -eu
seconds=${1:-300}
what=${2:-documents}
here=$(cd "$(dirname "$0")" && pwd)
root=$(cd "$here/../.." && pwd)
out=${FUZZ_OUT:-$root/.build/fuzz}
yaml=$root/.build/checkouts/Yams/Sources/CYaml
mkdir -p "$out/corpus" "$out/corpus-detection" "$out/corpus-archives" "$out/corpus-packages"

for file in api reader scanner parser; do
    clang -c -O2 -g -fsanitize=fuzzer-no-link -I"$yaml/include" "$yaml/src/$file.c" -o "$out/$file.o"
done
module() { # name, sources
    name=$1
    shift
    swiftc -O -g -sanitize=fuzzer -parse-as-library -swift-version 6 -package-name martlet -module-name "$name" \
        -enable-upcoming-feature InternalImportsByDefault -I "$out" -Xcc -I"$yaml/include" \
        -Xcc -fmodule-map-file="$yaml/include/module.modulemap" \
        -wmo -emit-module -emit-module-path "$out/$name.swiftmodule" -c "$@" -o "$out/$name.o"
}
module YAMLEvents "$root"/Sources/Core/YAMLEvents/*.swift
module Documents $(find "$root/Sources/Core/Documents" -name '*.swift')
objects="$out/Documents.o $out/YAMLEvents.o $out/api.o $out/reader.o $out/scanner.o $out/parser.o"
# The backtracer would print a page for every trap before libFuzzer can save the input.
SWIFT_BACKTRACE=enable=no
export SWIFT_BACKTRACE

# The data files of an engine as the package manager embeds them.
resources() {
    {
        echo 'struct PackageResources {'
        for file in "$root/Sources/Engines/$1/Resources"/*; do
            printf 'static let %s: [UInt8] = [' "$(basename "$file" | tr '.-' '__')"
            od -An -v -tu1 "$file" | tr -s ' \n' ',,' | sed 's/^,//'
            echo ']'
        done
        echo '}'
    } >"$out/PackageResources.swift"
}

if [ "$what" = detection ]; then
    resources Detection
    module Detection $(find "$root/Sources/Engines/Detection" -name '*.swift') "$out/PackageResources.swift"
    module DetectionTarget "$here/DetectionTarget.swift"
    swiftc -sanitize=fuzzer -parse-as-library "$out"/DetectionTarget.o "$out"/Detection.o $objects \
        -o "$out/fuzz-detection"
    "$out/fuzz-detection" -max_total_time="$seconds" -max_len=4096 -timeout=10 -rss_limit_mb=2048 \
        -dict="$here/rules.dict" -artifact_prefix="$out/" "$out/corpus-detection"
    exit
fi

if [ "$what" = packages ]; then
    resources Vulnerabilities
    engine="$root/Sources/Engines/Vulnerabilities"
    module Images "$root"/Sources/Core/Images/*.swift
    # The rules on how images are made stand on more than the readers do.
    module Vulnerabilities $(find "$engine" -name '*.swift' ! -path '*/Images/*') "$out/PackageResources.swift"
    module PackageTarget "$here/PackageTarget.swift"
    swiftc -sanitize=fuzzer -parse-as-library "$out"/PackageTarget.o "$out"/Vulnerabilities.o "$out"/Images.o \
        $objects -o "$out/fuzz-packages"
    # Seeds: what the tests read. The first byte says which file of an image it is.
    seed() { # number, file
        { printf "\\$(printf %03o "$1")"; cat "$2"; } >"$out/corpus-packages/$1-$(basename "$2")"
    }
    samples="$root/Tests/Engines/VulnerabilitiesTests/Fixtures"
    seed 0 "$samples/rpmdb.sqlite"
    seed 1 "$samples/Packages.little"
    seed 1 "$samples/Packages.big"
    seed 2 "$samples/Packages.db"
    seed 3 "$samples/app.jar"
    seed 4 "$samples/demo-1.0-py3-none-any.whl"
    for program in "$samples"/*.elf; do seed 5 "$program"; done
    "$out/fuzz-packages" -max_total_time="$seconds" -max_len=65536 -timeout=10 -rss_limit_mb=2048 \
        -artifact_prefix="$out/" "$out/corpus-packages"
    exit
fi

if [ "$what" = archives ]; then
    compression="-Xcc -fmodule-map-file=$root/Sources/Adapters/CZlib/module.modulemap"
    compression="$compression -Xcc -fmodule-map-file=$root/Sources/Adapters/CZstd/module.modulemap"
    module Images "$root"/Sources/Core/Images/*.swift
    # shellcheck disable=SC2086
    module Compression $compression "$root"/Sources/Adapters/Compression/*.swift
    # A digest is not what is tried here, and the real one is a library of its own.
    module Crypto "$here/StandInCrypto.swift"
    images="$root/Sources/Adapters/ContainerImages"
    # shellcheck disable=SC2086
    module ContainerImages $compression "$images"/Tar/*.swift "$images"/Layers/*.swift "$images"/Descriptor.swift \
        "$images"/ImageError.swift
    # shellcheck disable=SC2086
    module ArchiveTarget $compression "$here/ArchiveTarget.swift"
    swiftc -sanitize=fuzzer -parse-as-library "$out"/ArchiveTarget.o "$out"/ContainerImages.o "$out"/Crypto.o \
        "$out"/Compression.o "$out"/Images.o $objects -lz -lzstd -o "$out/fuzz-archives"
    # Seeds: an archive in each form that tar writes, as it is and packed.
    for format in gnu posix ustar v7; do
        tar --format=$format -C "$here" -cf "$out/seed.tar" run.sh yaml.dict 2>/dev/null || continue
        { printf '\000'; cat "$out/seed.tar"; } >"$out/corpus-archives/$format"
        { printf '\001'; gzip -c "$out/seed.tar"; } >"$out/corpus-archives/$format-gz"
        { printf '\001'; zstd -qc "$out/seed.tar" 2>/dev/null; } >"$out/corpus-archives/$format-zst" || true
    done
    "$out/fuzz-archives" -max_total_time="$seconds" -max_len=16384 -timeout=10 -rss_limit_mb=2048 \
        -artifact_prefix="$out/" "$out/corpus-archives"
    exit
fi

module DocumentTarget "$here/DocumentTarget.swift"
swiftc -sanitize=fuzzer -parse-as-library "$out"/DocumentTarget.o $objects -o "$out/fuzz-documents"
"$out/fuzz-documents" -max_total_time="$seconds" -max_len=4096 -timeout=10 \
    -rss_limit_mb=2048 -dict="$here/yaml.dict" -artifact_prefix="$out/" "$out/corpus" "$here/Seeds"
