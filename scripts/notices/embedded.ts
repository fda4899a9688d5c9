/**
 * What compiled code in a package consists of. No package states it, so it is written down here, for one
 * version: found by names, paths and version strings in the binaries and by the build files of their projects.
 */

export interface EmbeddedPart {
  name: string
  /** SPDX identifier; where a part offers several, the one taken. */
  licence: string
  copyright: string
  /** Its text under `texts/`, when it is not that of the licence. */
  text?: string
}

/** The version of the package that was looked at, and what it consists of. */
export interface EmbeddedReview {
  version: string
  parts: readonly EmbeddedPart[]
  /** What else to read, for parts that have a list of their own. */
  note?: string
  /** That list is printed nowhere else: it travels with the package. */
  hasOwnList?: boolean
}

const EMSCRIPTEN: readonly EmbeddedPart[] = [
  { name: 'Emscripten runtime', licence: 'MIT', copyright: 'Copyright (c) 2010-2014 Emscripten authors' },
  { name: 'musl', licence: 'MIT', copyright: 'Copyright (c) 2005-2020 Rich Felker, et al.' },
]
const NODE_ADDON_API: EmbeddedPart = {
  name: 'node-addon-api',
  licence: 'MIT',
  copyright: 'Copyright (c) 2017 Node.js API collaborators',
}
const JSON_CPP: EmbeddedPart = {
  name: 'JSON for Modern C++',
  licence: 'MIT',
  copyright: 'Copyright (c) Niels Lohmann',
}

/** By package name as `shippedPackages` gives it. */
export const EMBEDDED: Readonly<Record<string, EmbeddedReview>> = {
  'mpg123-decoder': {
    version: '1.0.3',
    parts: [
      {
        name: 'libmpg123',
        licence: 'LGPL-2.1-only',
        copyright: 'Copyright (c) Michael Hipp and the contributors of the mpg123 project',
      },
      ...EMSCRIPTEN,
    ],
  },
  'opus-decoder': {
    version: '0.7.12',
    parts: [
      {
        name: 'libopus',
        licence: 'BSD-3-Clause',
        text: 'opus',
        copyright:
          'Copyright 1994-2011 Xiph.Org, Skype Limited, Octasic, Jean-Marc Valin, Timothy B. Terriberry, CSIRO, Gregory Maxwell, Mark Borgerding, Erik de Castro Lopo',
      },
      ...EMSCRIPTEN,
    ],
  },
  '@wasm-audio-decoders/common': {
    version: '9.0.7',
    parts: [{ name: 'puff', licence: 'Zlib', copyright: 'Copyright (C) 2002-2013 Mark Adler' }],
  },
  '@node-llama-cpp/linux-*': {
    version: '3.22.1',
    parts: [
      { name: 'llama.cpp and ggml', licence: 'MIT', copyright: 'Copyright (c) The ggml authors' },
      { name: 'llamafile matrix kernels', licence: 'MIT', copyright: 'Copyright 2024 Mozilla Foundation' },
      { name: 'cpp-httplib', licence: 'MIT', copyright: 'Copyright (c) Yuji Hirose' },
      { name: 'subprocess.h', licence: 'Unlicense', copyright: 'Neil Henning' },
      JSON_CPP,
      NODE_ADDON_API,
    ],
  },
  'onnxruntime-node': {
    version: '1.30.0',
    note: 'its list is ThirdPartyNotices.txt in https://github.com/microsoft/onnxruntime at v1.30.0; the package does not bring it',
    parts: [
      { name: 'Abseil', licence: 'Apache-2.0', copyright: 'The Abseil Authors' },
      { name: 'Boost.Mp11', licence: 'BSL-1.0', copyright: 'Copyright Peter Dimov' },
      {
        name: 'cpp_client_telemetry',
        licence: 'MIT',
        copyright: 'Copyright (c) Microsoft Corporation and Contributors',
      },
      {
        name: 'cpuinfo',
        licence: 'BSD-2-Clause',
        copyright:
          'Copyright (c) Google LLC; Copyright (c) 2017-2018 Facebook Inc.; Copyright (C) 2012-2017 Georgia Institute of Technology; Copyright (C) 2010-2012 Marat Dukhan',
      },
      { name: 'curl', licence: 'curl', copyright: 'Copyright (c) Daniel Stenberg and many contributors' },
      {
        name: 'Dawn and Tint',
        licence: 'BSD-3-Clause',
        copyright: 'Copyright 2017-2023 The Dawn & Tint Authors',
      },
      { name: 'Eigen', licence: 'MPL-2.0', copyright: 'Gael Guennebaud, Benoit Jacob and the Eigen authors' },
      { name: 'FlatBuffers', licence: 'Apache-2.0', copyright: 'Google Inc.' },
      {
        name: 'Guidelines Support Library',
        licence: 'MIT',
        copyright: 'Copyright (c) 2015 Microsoft Corporation',
      },
      { name: 'KleidiAI (arm64 only)', licence: 'Apache-2.0', copyright: 'Arm Limited' },
      { name: 'Mbed TLS', licence: 'Apache-2.0', copyright: 'The Mbed TLS Contributors' },
      { name: 'ONNX', licence: 'Apache-2.0', copyright: 'ONNX Project Contributors' },
      { name: 'Protocol Buffers', licence: 'BSD-3-Clause', copyright: 'Copyright 2008 Google Inc.' },
      { name: 'RE2', licence: 'BSD-3-Clause', copyright: 'Copyright (c) The RE2 Authors' },
      { name: 'SafeInt', licence: 'MIT', copyright: 'Copyright (c) 2018 Microsoft' },
      { name: 'SQLite', licence: 'blessing', copyright: 'none: in the public domain' },
      JSON_CPP,
      NODE_ADDON_API,
    ],
  },
  '@duckdb/node-bindings-linux-*': {
    version: '1.5.6-r.1',
    note: 'DuckDB keeps what it is made of under `third_party` and `extension` of https://github.com/duckdb/duckdb',
    parts: [
      {
        name: 'Apache Parquet and Thrift',
        licence: 'Apache-2.0',
        copyright: 'The Apache Software Foundation',
      },
      {
        name: 'Apache Arrow ADBC and nanoarrow',
        licence: 'Apache-2.0',
        copyright: 'The Apache Software Foundation',
      },
      {
        name: 'Brotli',
        licence: 'MIT',
        copyright: 'Copyright (c) 2009, 2010, 2013-2016 by the Brotli Authors',
      },
      {
        name: 'concurrentqueue',
        licence: 'BSD-2-Clause',
        copyright: 'Copyright (c) 2013-2016, Cameron Desrochers',
      },
      {
        name: 'LightweightSemaphore of concurrentqueue',
        licence: 'Zlib',
        copyright: 'Copyright (c) 2015 Jeff Preshing',
      },
      { name: 'cpp-httplib', licence: 'MIT', copyright: 'Copyright (c) Yuji Hirose' },
      { name: 'CRoaring', licence: 'Apache-2.0', copyright: 'The CRoaring authors' },
      { name: 'fast_float', licence: 'MIT', copyright: 'Copyright (c) 2021 The fast_float authors' },
      { name: 'FastPFor', licence: 'Apache-2.0', copyright: 'Daniel Lemire and contributors' },
      { name: '{fmt}', licence: 'MIT', copyright: 'Copyright (c) 2012 - present, Victor Zverovich' },
      { name: 'FSST', licence: 'MIT', copyright: 'Copyright (c) 2018-2020, CWI, TU Munich, FSU Jena' },
      { name: 'HyperLogLog', licence: 'MIT', copyright: 'Copyright (c) 2013 Hideaki Ohno' },
      {
        name: 'ICU 66',
        licence: 'Unicode-DFS-2016',
        copyright: 'Copyright (c) 1991-2020 Unicode, Inc. All rights reserved',
      },
      { name: 'jaro_winkler', licence: 'MIT', copyright: 'Copyright (c) 2022-present Max Bachmann' },
      {
        name: 'jemalloc',
        licence: 'BSD-2-Clause',
        copyright:
          'Copyright (C) 2002-present Jason Evans; Copyright (C) 2007-2012 Mozilla Foundation; Copyright (C) 2009-present Facebook, Inc.',
      },
      { name: 'libpg_query', licence: 'BSD-3-Clause', copyright: 'Copyright (c) 2015, Lukas Fittl' },
      {
        name: 'PostgreSQL parser of libpg_query',
        licence: 'PostgreSQL',
        copyright:
          'Portions Copyright (c) 1996-2017, PostgreSQL Global Development Group; Portions Copyright (c) 1994, The Regents of the University of California',
      },
      { name: 'LZ4', licence: 'BSD-2-Clause', copyright: 'Copyright (c) 2011-2020, Yann Collet' },
      { name: 'Mbed TLS', licence: 'Apache-2.0', copyright: 'The Mbed TLS Contributors' },
      {
        name: 'miniz',
        licence: 'MIT',
        copyright:
          'Copyright 2013-2014 RAD Game Tools and Valve Software; Copyright 2010-2014 Rich Geldreich and Tenacious Software LLC',
      },
      {
        name: 'pcg',
        licence: 'Apache-2.0',
        copyright: 'Copyright 2014-2017 Melissa O’Neill and the PCG Project contributors',
      },
      { name: 'pdqsort', licence: 'Zlib', copyright: 'Copyright (c) 2021 Orson Peters' },
      { name: 'RE2', licence: 'BSD-3-Clause', copyright: 'Copyright (c) The RE2 Authors' },
      { name: 'ska_sort', licence: 'BSL-1.0', copyright: 'Copyright Malte Skarupke 2016' },
      { name: 'SkipList', licence: 'MIT', copyright: 'Copyright (c) 2017-2023 Paul Ross' },
      { name: 'Snappy', licence: 'BSD-3-Clause', copyright: 'Copyright 2011, Google Inc.' },
      { name: 't-digest', licence: 'Apache-2.0', copyright: 'Derrick R. Burns' },
      {
        name: 'utf8proc',
        licence: 'MIT',
        copyright:
          'Copyright (c) 2014-2019 Steven G. Johnson, Jiahao Chen, Tony Kelman, Jonas Fonseca and others; Copyright (c) 2009, 2013 Public Software Group e. V., Berlin, Germany',
      },
      {
        name: 'Unicode data of utf8proc',
        licence: 'Unicode-DFS-2016',
        copyright: 'Copyright (c) 1991-2007 Unicode, Inc. All rights reserved',
      },
      { name: 'vergesort', licence: 'MIT', copyright: 'Copyright (c) 2015-2017 Morwenn' },
      { name: 'yyjson', licence: 'MIT', copyright: 'Copyright (c) 2020 YaoYuan' },
      {
        name: 'Zstandard',
        licence: 'BSD-3-Clause',
        copyright: 'Copyright (c) Meta Platforms, Inc. and affiliates',
      },
      NODE_ADDON_API,
    ],
  },
  'node-linux-*': {
    version: '24.21.0',
    parts: [],
    note: 'Node.js with V8, ICU, OpenSSL and others, all permissive: its list is the file LICENSE of the package',
    hasOwnList: true,
  },
}

/** Packages that come without a licence file, or that not every checkout has installed, and whose code each is. */
export const HOLDERS: Readonly<Record<string, string>> = {
  '@duckdb/node-api': 'Copyright 2018-2025 Stichting DuckDB Foundation',
  '@duckdb/node-bindings': 'Copyright 2018-2025 Stichting DuckDB Foundation',
  '@duckdb/node-bindings-linux-*': 'Copyright 2018-2025 Stichting DuckDB Foundation',
  '@simple-git/argv-parser': 'Copyright (c) Steve King',
  '@wasm-audio-decoders/common': 'Copyright 2021-2025 Ethan Halsall',
  'detect-libc': 'Copyright 2017 Lovell Fuller and others',
  'mpg123-decoder': 'Copyright 2021-2025 Ethan Halsall',
  'onnxruntime-common': 'Copyright (c) Microsoft Corporation. All rights reserved.',
  'onnxruntime-node': 'Copyright (c) Microsoft Corporation. All rights reserved.',
  'opus-decoder': 'Copyright 2021-2025 Ethan Halsall',
  'pg-types': 'Copyright (c) Brian M. Carlson',
  pgpass: 'Copyright (c) Hannes Hörl',
  'simple-git': 'Copyright (c) Steve King',
}
