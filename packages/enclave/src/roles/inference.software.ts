import { startRole } from '@sotto/serve/role'
import { softwareHardware } from '@sotto/serve/tee-software'
import { runInference } from './run-inference.ts'

// The laptop TEE protects nothing from this machine's owner; the bundle of a release has no such entry.
await startRole({
  name: 'inference',
  argv: process.argv,
  env: process.env,
  refuseSwap: false,
  run: (context) => runInference(context, softwareHardware(process), { sandbox: 'best-effort' }),
})
