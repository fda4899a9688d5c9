/**
 * The bridge of an app, a process of its own in the app's network namespace: arguments are the folder of its sockets, the
 * port of the app and the port of the API. Says on descriptor 3 when it listens. It ends with its namespaces.
 */
import { closeSync, writeSync } from 'node:fs'
import { READY_DESCRIPTOR } from '../../sandbox/descriptors.ts'
import { openBridge } from './bridge.ts'

const [, , folder = '', port, apiPort] = process.argv
await openBridge({ folder, port: Number(port), apiPort: Number(apiPort) })
writeSync(READY_DESCRIPTOR, 'ready\n')
closeSync(READY_DESCRIPTOR)
