#!/usr/bin/env node
// Installs on first use and hands over to the pinned Node, as `npx sotto` does.
import { handOver } from '../../scripts/bootstrap.mjs'

// ONNX Runtime reports its use unless told not to, before it is loaded.
process.env.ORT_DISABLE_TELEMETRY = '1'
await handOver('examples/faces/main.ts', process.argv.slice(2))
