import { startRole } from '@sotto/serve/role'
import { softwareHardware } from '@sotto/serve/tee-software'
import { runRoom } from './run-room.ts'

// The laptop TEE protects nothing from this machine's owner; the bundle of a release has no such entry.
await startRole({
  name: 'room',
  argv: process.argv,
  env: process.env,
  refuseSwap: false,
  run: (context) => runRoom(context, softwareHardware(process), { sandbox: 'best-effort' }),
})
