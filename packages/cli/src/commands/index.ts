import { collateralFetch, collateralPack, collateralShow } from '../collateral/index.ts'
import type { Command } from '../framework/index.ts'
import { policyDiff, policyExplain, policyLint, policyTest } from '../policy/index.ts'
import { proxyUsersCommands } from '../proxy/index.ts'
import { contextLs, contextRm, contextUse } from './account/contexts.ts'
import { accountCommands } from './account/index.ts'
import { login } from './account/login.ts'
import { assistant } from './assistant.ts'
import { chat } from './chat.ts'
import { completionsCommand } from './completions.ts'
import { configView } from './config.ts'
import { consoleServe } from './console/serve.ts'
import { consoleVerify } from './console/verify.ts'
import { custodianAccept } from './custodian/accept.ts'
import { custodianNew, custodianShow } from './custodian/keys.ts'
import { custodianRelease } from './custodian/release.ts'
import { custodianStatus } from './custodian/status.ts'
import { deploy } from './deploy/deploy.ts'
import { init } from './deploy/init.ts'
import { logs } from './deploy/logs.ts'
import { ls } from './deploy/ls.ts'
import { status } from './deploy/status.ts'
import { stop } from './deploy/stop.ts'
import { test } from './deploy/test.ts'
import { doctor } from './doctor.ts'
import { embed } from './embed.ts'
import { hold } from './governance/hold.ts'
import { keysSkrPolicy } from './governance/keys-skr-policy.ts'
import { keysNew, keysShow } from './governance/keys.ts'
import { proposals } from './governance/proposals.ts'
import { proposeOwners } from './governance/propose-owners.ts'
import { proposeCustodians, proposeRotateRoot } from './governance/propose-root.ts'
import { proposeConstitution, proposePolicy, proposeResume, proposeRotate } from './governance/propose.ts'
import { vote } from './governance/vote.ts'
import { help } from './help.ts'
import { imagesCommands } from './images/index.ts'
import { logEntry } from './log/entry.ts'
import { logMonitor } from './log/monitor.ts'
import { logProve } from './log/prove.ts'
import { logShow } from './log/show.ts'
import { modelsBench } from './models/bench.ts'
import { modelsBom } from './models/bom.ts'
import { modelsLineage } from './models/lineage.ts'
import { modelsLs } from './models/ls.ts'
import { modelsOwner } from './models/owner.ts'
import { modelsPull } from './models/pull.ts'
import { modelsRun } from './models/run.ts'
import { modelsPush } from './models/push.ts'
import { modelsQuantize } from './models/quantize.ts'
import { modelsRm } from './models/rm.ts'
import { modelsSeal } from './models/seal.ts'
import { modelsShow } from './models/show.ts'
import { modelsSign } from './models/sign.ts'
import { modelsVerifySignature } from './models/verify-signature.ts'
import { proxy } from './proxy.ts'
import { receiptLogged } from './receipt-logged.ts'
import { receiptVerify } from './receipt-verify.ts'
import { roomCommands } from './room/index.ts'
import { demo } from './stack/demo.ts'
import { down } from './stack/down.ts'
import { up } from './stack/up.ts'
import { summarize } from './summarize.ts'
import { finetune } from './finetune.ts'
import { trainCommands } from './train/index.ts'
import { transcribe } from './transcribe.ts'
import { usageVerify } from './usage-verify.ts'
import { verify } from './verify.ts'
import { witnessInit } from './witness/init.ts'
import { witnessRun } from './witness/run.ts'

/** Version of the command line and of the packages it is built from. */
export const VERSION = '0.1.0'

/** All commands, in the order help lists them. */
export const commands: readonly Command[] = [
  demo,
  up,
  down,
  init,
  test,
  deploy,
  status,
  logs,
  ls,
  stop,
  ...imagesCommands,
  verify,
  proxy,
  ...proxyUsersCommands,
  consoleServe,
  consoleVerify,
  transcribe,
  chat,
  assistant,
  summarize,
  embed,
  modelsPull,
  modelsLs,
  modelsBench,
  modelsQuantize,
  modelsSeal,
  modelsPush,
  modelsShow,
  modelsRm,
  modelsOwner,
  modelsRun,
  modelsSign,
  modelsVerifySignature,
  modelsLineage,
  modelsBom,
  ...roomCommands,
  ...trainCommands,
  finetune,
  collateralFetch,
  collateralPack,
  collateralShow,
  receiptVerify,
  receiptLogged,
  logShow,
  logEntry,
  logMonitor,
  logProve,
  witnessInit,
  witnessRun,
  usageVerify,
  custodianNew,
  custodianShow,
  custodianAccept,
  custodianRelease,
  custodianStatus,
  policyLint,
  policyDiff,
  policyExplain,
  policyTest,
  keysNew,
  keysShow,
  keysSkrPolicy,
  proposals,
  proposePolicy,
  proposeConstitution,
  proposeRotate,
  proposeResume,
  proposeCustodians,
  proposeRotateRoot,
  proposeOwners,
  vote,
  hold,
  login,
  contextLs,
  contextUse,
  contextRm,
  ...accountCommands,
  doctor,
  configView,
  completionsCommand(() => commands),
  help,
]
