import { startRole } from '@sotto/serve/role'
import { openHardware } from '@sotto/serve/tee-hardware'
import { runInference } from './run-inference.ts'

await startRole({
  name: 'inference',
  argv: process.argv,
  env: process.env,
  refuseSwap: true,
  run: async (context) => runInference(context, await openHardware(), { sandbox: 'full' }),
})
