import { startRole } from '@sotto/serve/role'
import { softwareHardware } from '@sotto/serve/tee-software'
import { runKms } from './run.ts'

// The laptop TEE protects nothing from this machine's owner; the bundle of a release has no such entry.
await startRole({
  name: 'kms',
  argv: process.argv,
  env: process.env,
  refuseSwap: false,
  run: (context) => runKms(context, softwareHardware(process)),
})
