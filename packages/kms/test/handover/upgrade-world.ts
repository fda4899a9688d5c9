import { toBase64Url } from '@sotto/protocol/bytes'
import { bindHandover, type HandoverBinding, type HandoverRequest } from '@sotto/protocol/handover'
import { type KeyReleasePolicy, type PolicyTuple, WRAP_SUITE } from '@sotto/protocol/keyrelease'
import { checkpointDigest } from '@sotto/protocol/note'
import { createLogClient } from '@sotto/serve/log-client'
import { createClock } from '../../src/clock/index.ts'
import type { Kms } from '../../src/core/index.ts'
import { takeFrom, type TakeoverTools } from '../../src/handover/index.ts'
import type { ObtainedRoot } from '../../src/root/index.ts'
import { PersistentRoot } from '../root/persistent-root.ts'
import { hardwareOf, seed, type Workload, World } from '../world.ts'

export const SUCCESSOR: Workload = { image: 'f6'.repeat(32), hostData: 'e5'.repeat(32), chip: 9 }

/** A running KMS, and a policy that lets the next release take over. */
export class UpgradeWorld extends World {
  /** What the next KMS keeps its root secret in. */
  readonly nextRoot = new PersistentRoot(seed(1))
  /** A fault of the way between the two. */
  onAnswer: (answer: Response) => Response | Promise<Response> = (answer) => answer

  static async create(
    { securityVersion = 2, successor = SUCCESSOR, tuples = [] as PolicyTuple[] } = {},
    change: Record<string, unknown> = {},
  ): Promise<UpgradeWorld> {
    const world = new UpgradeWorld(change)
    await world.start()
    await world.admit(successor, securityVersion, tuples)
    return world
  }

  /** Members accept a policy with a tuple of role kms. */
  async admit(successor: Workload, securityVersion: number, tuples: PolicyTuple[] = []): Promise<void> {
    const releases = [
      this.logRelease(this.workload),
      this.logRelease(successor, { role: 'kms', version: '2.0.0', securityVersion }),
    ]
    await this.acceptPolicy(this.proposal(this.upgradePolicy(successor, tuples), undefined, releases))
  }

  upgradePolicy(successor: Workload = SUCCESSOR, tuples: PolicyTuple[] = []): KeyReleasePolicy {
    return this.policy({ anyOf: [this.tuple(), this.tuple(successor, { role: 'kms' }), ...tuples] })
  }

  tools(change: Partial<TakeoverTools> = {}): TakeoverTools {
    const host = { wall: () => this.now * 1000, monotonic: () => this.now * 1000 }
    return {
      config: { ...this.config, peers: ['http://old.test'], expectGenesis: this.genesis },
      hardware: hardwareOf(SUCCESSOR),
      clock: createClock(host),
      openLog: () =>
        createLogClient({ ...this.config.log, witnesses: this.config.witnesses, fetch: this.log.fetch }),
      fetch: async (url, init) => this.onAnswer(await this.app(new Request(url as string, init))),
      ...change,
    }
  }

  take(change: Partial<TakeoverTools> = {}): Promise<ObtainedRoot> {
    return takeFrom('http://old.test', this.tools(change))
  }

  /** Starts the next KMS over the same store with what it was given; gives the old one. */
  async boot(obtained: ObtainedRoot): Promise<Kms> {
    const old = this.kms
    const { config, hardware } = this.tools()
    this.config = config
    this.hardware = hardware
    this.root = { source: this.nextRoot.obtain().source, obtained }
    await this.start()
    return old
  }

  /** What the next KMS sends, with a key of the test. */
  async handoverRequest(
    change: { binding?: Partial<HandoverBinding>; note?: string; workload?: Workload } = {},
  ): Promise<{ request: HandoverRequest; wrap: ReturnType<typeof WRAP_SUITE.kem.generate> }> {
    const wrap = WRAP_SUITE.kem.generate()
    const checkpoint = change.note ?? this.log.note()
    const binding: HandoverBinding = {
      version: 1,
      genesis: this.genesis,
      wrapKey: toBase64Url(wrap.publicKey),
      statementKey: toBase64Url(seed(60)),
      checkpoint: checkpointDigest(checkpoint),
      ...change.binding,
    }
    const hardware = hardwareOf(change.workload ?? SUCCESSOR)
    const evidence = await hardware.collectEvidence(bindHandover(binding))
    return { request: { evidence, binding, checkpoint }, wrap }
  }
}
