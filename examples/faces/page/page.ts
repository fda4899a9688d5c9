import { connect, type Sotto, VerificationRefused } from '@sotto/client'
import { parseTrustPolicy, refusingSteps } from '@sotto/verifier'
import type { PageConfig } from '../serve.ts'
import { type Camera, NoCamera, openCamera } from './camera.ts'
import { element, show } from './elements.ts'
import { watch } from './live.ts'
import { showUndecided, showVerdict } from './proof.ts'
import { browserStorage } from './storage.ts'
import { setState } from './state.ts'
import { clearMatches, Figures } from './view.ts'

const video = element<HTMLVideoElement>('video')
/** What the button does now. */
let next: () => void = () => {}

element('start').addEventListener('click', () => next())

/** Checks the service. Until every required step has passed the camera cannot be started, and there is nothing to send. */
async function verify(config: PageConfig): Promise<void> {
  setState(
    'verifying',
    'Checking the service',
    'Nothing is sent and the camera stays off until every step has passed.',
  )
  try {
    const policy = parseTrustPolicy(config.policy)
    const { relay, gateway } = config
    const sotto = await connect(relay, { policy, gateway, storage: browserStorage })
    showVerdict(sotto.trust)
    next = () => void run(config, sotto)
    setState(
      'ready',
      'Verified',
      'Frames go encrypted to the enclave. Only who was recognised comes back.',
      'Start the camera',
    )
  } catch (error) {
    refuse(error, config, 'Nothing was sent')
  }
}

async function run(config: PageConfig, sotto: Sotto): Promise<void> {
  setState('starting', 'Starting the camera', 'The browser may ask you whether this page may see.')
  let camera: Camera
  try {
    camera = await openCamera(video, config.frame)
  } catch (error) {
    next = () => void run(config, sotto)
    const text = error instanceof NoCamera ? error.message : String(error)
    return setState('no-camera', 'No camera', text, 'Try again')
  }
  const stop = new AbortController()
  element('stop').addEventListener('click', () => stop.abort(), { signal: stop.signal })
  clearMatches('Waiting for the first answer: the enclave opens the model when it is asked for')
  setState('live', '', '')
  let unplugged = false
  void camera.ended.then(() => {
    unplugged = true
    stop.abort()
  })
  try {
    await watch(sotto, config, camera, new Figures(), stop.signal)
    next = () => void run(config, sotto)
    if (unplugged)
      setState('no-camera', 'The camera is gone', 'Connect it again, and start it.', 'Start the camera')
    else setState('stopped', 'Stopped', 'The camera is off and nothing is sent.', 'Start the camera')
  } catch (error) {
    refuse(error, config, 'Nothing more is sent')
  } finally {
    stop.abort()
    camera.stop()
    clearMatches('Nobody: the camera is off')
    show('trouble', '')
  }
}

/** A refusal has no way on; what may pass has one: to check again from the start. */
function refuse(error: unknown, config: PageConfig, sent: string): void {
  if (error instanceof VerificationRefused) {
    showVerdict(error.verdict)
    next = () => {}
    const [step] = refusingSteps(error.verdict.steps)
    const what = step === undefined ? '' : `Not so: ${step.title}. `
    return setState('refused', 'Refused', `${what}${sent}, and there is no way around it.`)
  }
  const { message, code, action } = error as Error & { code?: string; action?: string }
  showUndecided()
  next = () => void verify(config)
  const isOver = action === 'stop'
  setState(
    isOver ? 'refused' : 'unreachable',
    isOver ? 'Refused' : 'The service cannot be used now',
    `${message}${code === undefined ? '' : ` (${code})`}. ${sent}.`,
    isOver ? '' : 'Check again',
  )
}

const config = (await (await fetch('/config.json')).json()) as PageConfig
show('model', `${config.id}\n${config.digest}`)
show(
  'served',
  `This page, its policy and this verdict come from ${location.host}` +
    (location.hostname === '127.0.0.1'
      ? ': a server on your own machine.'
      : ', which you have to trust to show what it checked. Run the example on your own machine to trust nobody.'),
)
await verify(config)
