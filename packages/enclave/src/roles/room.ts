import { startRole } from '@sotto/serve/role'
import { openHardware } from '@sotto/serve/tee-hardware'
import { runRoom } from './run-room.ts'

await startRole({
  name: 'room',
  argv: process.argv,
  env: process.env,
  refuseSwap: true,
  run: async (context) => runRoom(context, await openHardware(), { sandbox: 'full' }),
})
