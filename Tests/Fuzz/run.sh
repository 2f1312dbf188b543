#!/bin/sh
# Fuzzes the document reader and editor: run.sh [SECONDS]. Needs a Swift toolchain and, once, `swift package resolve`.
set -eu
seconds=${1:-300}
here=$(cd "$(dirname "$0")" && pwd)
root=$(cd "$here/../.." && pwd)
out=${FUZZ_OUT:-$root/.build/fuzz}
yaml=$root/.build/checkouts/Yams/Sources/CYaml
mkdir -p "$out/corpus"

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
module DocumentTarget "$here/DocumentTarget.swift"
swiftc -sanitize=fuzzer -parse-as-library "$out"/DocumentTarget.o "$out"/Documents.o "$out"/YAMLEvents.o \
    "$out"/api.o "$out"/reader.o "$out"/scanner.o "$out"/parser.o -o "$out/fuzz-documents"

# The backtracer would print a page for every trap before libFuzzer can save the input.
SWIFT_BACKTRACE=enable=no "$out/fuzz-documents" -max_total_time="$seconds" -max_len=4096 -timeout=10 \
    -rss_limit_mb=2048 -dict="$here/yaml.dict" -artifact_prefix="$out/" "$out/corpus" "$here/Seeds"
