import type { KeyReleasePolicy } from '@sotto/protocol/keyrelease'
import type { ModelStatement } from '@sotto/protocol/sealed-models'
import type { RunOptions, RunResult, TensorInput } from '../tensors/types.ts'
import type { ModelAbout, ModelFiles } from './content.ts'
import type { ModelOwner } from './owner.ts'
import type { OnBytes } from './seal.ts'

/** What an owner says about a model when it is published. */
export interface PublishOptions {
  owner: ModelOwner
  /** `a-z 0-9 . _ -`, at most 63. Others call it `<owner.tag>/<name>`. */
  name: string
  /**
   * The owner's own key-release policy: the model opens only where one whole tuple of it is satisfied, besides one of
   * the policy that the deployment's members accepted. @default that one alone, which was verified
   */
  policy?: KeyReleasePolicy
  /** @default one above the highest so far */
  version?: number
  /** Unix seconds, after which nobody serves it and the registry deletes it. @default kept until it is removed */
  expiresAt?: number
  /** Bytes of one request, at most 32 MiB. @default 8 MiB */
  partBytes?: number
  /** Told of bytes that were sealed or hashed here. */
  onPrepared?: OnBytes
  /** Told of bytes that the registry has. */
  onUploaded?: OnBytes
  /** Ends it. What is uploaded stays there: the same call goes on. */
  signal?: AbortSignal
}

/** A model as its owner's statement shows it, verified: signed by the owner, and in the witnessed log. */
export interface PublishedModel {
  /** `<tag>/<name>:<version>`: what requests name for exactly this one. */
  id: string
  statement: ModelStatement
  /** Place in the log. */
  index: number
}

/** The end of a model. */
export interface RemovedModel {
  /** Artifacts whose content keys the KMS destroyed, now or before: it signed that. */
  artifacts: string[]
  /**
   * Place of the removal in the log. Absent where the registry neither lists nor has such a model: the keys are gone
   * all the same.
   */
  index?: number
}

/** Models of owners. */
export interface SottoModels {
  /**
   * Seals a model on this machine and publishes it. Nothing leaves in clear, and no sealed copy is kept here. Called
   * again after a failure it goes on where it was.
   *
   * @param files by name, with a `manifest.json`, or one `.onnx` or `.gguf` file
   * @throws `MODEL_SOURCE`, `MODEL_REFUSED`, `MODEL_UNAVAILABLE`, and what `fetch` throws
   *
   * @example await sotto.models.upload({ 'model.onnx': blob }, { owner: modelOwner(seed), name: 'detector' })
   */
  upload(files: ModelFiles, options: PublishOptions & { about?: ModelAbout }): Promise<PublishedModel>
  /** Publishes a file that the same owner sealed. @throws as {@link upload}; `MODEL_OWNER` */
  push(sealed: Blob, options: PublishOptions): Promise<PublishedModel>
  /**
   * Runs a model by tensor, as `sotto.tensors.run` does: it is loaded when it is first asked for.
   *
   * @param id `<tag>/<name>[:<version>]`, as {@link PublishedModel.id}, or any other model of the service
   * @throws as `SottoTensors.run`
   *
   * @example const { outputs } = await sotto.models.run(model.id, { x: { data: samples, shape: [1, 16000] } })
   */
  run(id: string, inputs: Readonly<Record<string, TensorInput>>, options?: RunOptions): Promise<RunResult>
  /** Every version of an owner that is served; each verified to be signed by that owner. @param tag see `ModelOwner` */
  list(tag: string, signal?: AbortSignal): Promise<PublishedModel[]>
  /** One model with its proof. @param name `<tag>/<name>[:<version>]` @throws `MODEL_NAME`, `MODEL_REFUSED`; what a proof fails by */
  show(name: string, signal?: AbortSignal): Promise<PublishedModel>
  /**
   * Ends a version, or all of them: never served again, and their content keys destroyed. The KMS finds the keys by
   * what the owner signed when they were imported, also those of versions that the service does not list.
   * @throws `MODEL_REFUSED`, `MODEL_UNAVAILABLE`, `MODEL_KEYS_KEPT`, `MODEL_RECEIPT`; what a proof fails by
   */
  remove(
    name: string,
    options: { owner: ModelOwner; version?: number | 'all'; signal?: AbortSignal },
  ): Promise<RemovedModel>
}
