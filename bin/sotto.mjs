#!/usr/bin/env node
// The `sotto` command of a clone: installs on first use, builds what is stale, runs the built command.
import { handOver } from '../scripts/bootstrap.mjs'

await handOver('scripts/tasks.ts', ['sotto', ...process.argv.slice(2)])
