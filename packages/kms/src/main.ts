import { startRole } from '@sotto/serve/role'
import { openHardware } from '@sotto/serve/tee-hardware'
import { runKms } from './run.ts'

await startRole({
  name: 'kms',
  argv: process.argv,
  env: process.env,
  refuseSwap: true,
  run: async (context) => runKms(context, await openHardware()),
})
