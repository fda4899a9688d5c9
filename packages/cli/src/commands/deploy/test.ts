import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { connect } from '@sotto/client'
import { startProxy } from '@sotto/client/proxy'
import { stackOptionsOf } from '../../deploy/local/stack-options.ts'
import { prepareDeployment } from '../../deploy/prepare.ts'
import { cliError } from '../../errors.ts'
import { type Command, defineCommand, EXIT } from '../../framework/index.ts'
import { SOFTWARE_BANNER } from '../../service/banner.ts'
import { findLayout } from '../../stack/layout.ts'
import { startStack } from '../../stack/start.ts'
import { FILE_FLAG, readNamedFile } from './flags.ts'
import { runTests } from './run-tests.ts'

/** `sotto test` */
export const test: Command = defineCommand({
  path: ['test'],
  summary: "Run an app's own tests against it, in the software TEE",
  description:
    'Starts the deployment of this folder in a place of its own, on a software TEE, runs the command tests of sotto.yaml ' +
    'beside it, and takes all of it away again. The tests find the app at SOTTO_APP_URL and the models at ' +
    'OPENAI_BASE_URL, both through a local proxy that verified first. Exit code 0 when they pass.',
  flags: FILE_FLAG,
  examples: ['sotto test', 'sotto test -f notes/sotto.yaml'],
  async run(context, _args, flags) {
    const file = await readNamedFile(context, flags.file)
    const command = file.tests
    if (command === undefined)
      throw cliError('DEPLOY_FILE', `${file.path} names no tests`, {
        hint: 'add a line like: tests: node test.mjs',
      })
    const prepared = await prepareDeployment(file, {
      env: context.io.env,
      now: Math.floor(context.io.now() / 1000),
      // Nothing of this deployment is kept, so nothing is compared either.
      secretsKey: new Uint8Array(32),
    })
    const stateFolder = await mkdtemp(join(tmpdir(), 'sotto-app-'))
    context.onExit(() => rm(stateFolder, { recursive: true, force: true }))
    const stack = await startStack({
      layout: findLayout(),
      stateFolder,
      ...stackOptionsOf(prepared),
      onProgress: (text) => context.note(`${text} ...`),
      signal: context.signal,
    })
    context.onExit(() => stack.stop())
    context.warn(`warning: ${SOFTWARE_BANNER}`)
    const sotto = await connect(stack.relayUrl, { policy: stack.policy, gateway: stack.gateway })
    const proxy = await startProxy({ sotto, port: 0, ...(file.app && { app: true }) })
    context.onExit(() => proxy.close())
    const code = await runTests(context, file, command, {
      OPENAI_BASE_URL: `${proxy.url}/v1`,
      OPENAI_API_KEY: 'none',
      SOTTO_PROXY_URL: proxy.url,
      SOTTO_RELAY: stack.relayUrl,
      SOTTO_POLICY: stack.policyFile,
      ...(file.app && { SOTTO_APP_URL: proxy.url }),
    })
    if (context.global.json) context.json({ passed: code === 0, exitCode: code })
    if (code === 0) {
      context.note('the tests passed')
      return EXIT.ok
    }
    context.signal.throwIfAborted()
    throw cliError('DEPLOY_TESTS', 'the tests failed', {
      found: code === undefined ? 'ended by a signal' : `exit code ${code}`,
      hint: 'what they printed is above',
    })
  },
})
