import { collateralFetch, collateralPack, collateralShow } from '../collateral/index.ts'
import type { Command } from '../framework/index.ts'
import { policyDiff, policyExplain, policyLint, policyTest } from '../policy/index.ts'
import { chat } from './chat.ts'
import { completionCommand } from './completion.ts'
import { configView } from './config.ts'
import { doctor } from './doctor.ts'
import { embed } from './embed.ts'
import { help } from './help.ts'
import { modelsLs } from './models/ls.ts'
import { modelsPull } from './models/pull.ts'
import { proxy } from './proxy.ts'
import { receiptVerify } from './receipt-verify.ts'
import { demo } from './stack/demo.ts'
import { down } from './stack/down.ts'
import { up } from './stack/up.ts'
import { summarize } from './summarize.ts'
import { transcribe } from './transcribe.ts'
import { verify } from './verify.ts'

/** Version of the command line and of the packages it is built from. */
export const VERSION = '0.1.0'

/** All commands, in the order help lists them. */
export const commands: readonly Command[] = [
  demo,
  up,
  down,
  verify,
  proxy,
  transcribe,
  chat,
  summarize,
  embed,
  modelsPull,
  modelsLs,
  collateralFetch,
  collateralPack,
  collateralShow,
  receiptVerify,
  policyLint,
  policyDiff,
  policyExplain,
  policyTest,
  doctor,
  configView,
  completionCommand(() => commands),
  help,
]
