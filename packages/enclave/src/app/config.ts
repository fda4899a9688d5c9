import {
  APP_VARIABLE,
  appWordsBytes,
  isReservedVariable,
  MAX_APP_WORDS_BYTES,
} from '@sotto/protocol/app-variables'
import { integer, list, object, table, text, type Decoder } from '@sotto/serve/config'
import { serveError } from '@sotto/serve/errors'

/** A file of the app's folder whose content is sealed. */
export interface SealedFile {
  readonly file: string
  /** Id of the artifact; its content key comes with the release. */
  readonly artifact: string
}

/** The secrets of an app: who seals them chooses the values, and the measured configuration the names. */
export interface SealedSecrets extends SealedFile {
  /** Exactly the variables that the file sets. */
  readonly names: readonly string[]
}

/** An own app, as the measured configuration describes it. */
export interface AppConfig {
  /** Name of the deployment: secrets are for one. `^[a-z][a-z0-9-]{0,62}$` */
  readonly name: string
  /** Folder of the files below, on the untrusted disk. */
  readonly directory: string
  /** An archive of `protocol/tar`; `sha256` is of the archive in clear, also where the file is sealed. */
  readonly code: { readonly file: string; readonly sha256: string; readonly artifact?: string }
  /** Run in the folder of the unpacked code. */
  readonly command: readonly string[]
  /** Environment variables that are no secrets. Default none. */
  readonly env: Readonly<Record<string, string>>
  /** Where it listens, on 127.0.0.1 or 0.0.0.0 of its own network. Default 8080. */
  readonly port: number
  /** `path` (default `/health`) has to answer 2xx within `startSeconds` (default 60). */
  readonly healthcheck: { readonly path: string; readonly startSeconds: number }
  /** Sealed JSON `{deployment, values}`; absent: it has none. */
  readonly secrets?: SealedSecrets
  /** Private memory of each of its processes, bytes. Default 1 GiB. */
  readonly memoryBytes: number
}

const MIB = 2 ** 20
const DEFAULT_HEALTHCHECK = { path: '/health', startSeconds: 60 }
/** Ports below are for root. */
const FIRST_PORT = 1024

/** A plain name: the configuration is measured, but it must not reach outside its folder either. */
const FILE = text({ pattern: /^[A-Za-z0-9_-][A-Za-z0-9._-]{0,127}$/ })
const ARTIFACT = text({ pattern: /^[0-9a-f]{32}$/ })
/** As the gateway lets paths through, without a query. */
const PATH = /^\/(?:[A-Za-z0-9._~!$&'()*+,;=:@-][A-Za-z0-9._~!$&'()*+,;=:@/-]*)?$/

const word = text({ min: 1, max: 4096, pattern: /^[^\0]*$/ })
const value = text({ min: 0, max: 32_768, pattern: /^[^\0]*$/ })

const code: Decoder<AppConfig['code']> = object((fields) => {
  const artifact = fields.optional<string | undefined>('artifact', ARTIFACT, undefined)
  return {
    file: fields.required('file', FILE),
    sha256: fields.required('sha256', text({ pattern: /^[0-9a-f]{64}$/ })),
    ...(artifact !== undefined && { artifact }),
  }
})

/** Variables of each kind that a deployment sets. */
const MAX_VARIABLES = 64

const secrets: Decoder<SealedSecrets> = object((fields) => ({
  file: fields.required('file', FILE),
  artifact: fields.required('artifact', ARTIFACT),
  names: fields.required('names', list(text({ pattern: APP_VARIABLE }), 0, MAX_VARIABLES)),
}))

const healthcheck: Decoder<AppConfig['healthcheck']> = object((fields) => ({
  path: fields.optional('path', text({ pattern: PATH, max: 1024 }), DEFAULT_HEALTHCHECK.path),
  startSeconds: fields.optional('startSeconds', integer(1, 900), DEFAULT_HEALTHCHECK.startSeconds),
}))

/** Decodes `app` of an inference configuration. @throws `CONFIG_INVALID` */
export const appConfig: Decoder<AppConfig> = (given, path) => {
  const app = object((fields): AppConfig => {
    const sealed = fields.optional<SealedSecrets | undefined>('secrets', secrets, undefined)
    return {
      name: fields.required('name', text({ pattern: /^[a-z][a-z0-9-]{0,62}$/ })),
      directory: fields.required('directory', text({ max: 1024, pattern: /^[^\0]*$/ })),
      code: fields.required('code', code),
      command: fields.required('command', list(word, 1, 64)),
      env: fields.optional('env', table(APP_VARIABLE, value, 0, MAX_VARIABLES), {}),
      port: fields.optional('port', integer(FIRST_PORT, 65_535), 8080),
      healthcheck: fields.optional('healthcheck', healthcheck, DEFAULT_HEALTHCHECK),
      ...(sealed && { secrets: sealed }),
      memoryBytes: fields.optional('memoryBytes', integer(64 * MIB, 1024 * 1024 * MIB), 1024 * MIB),
    }
  })(given, path)
  const refuse = (what: string): Error => serveError('CONFIG_INVALID', `${path}${what}`)
  const names = [...Object.keys(app.env), ...(app.secrets?.names ?? [])]
  const reserved = names.find(isReservedVariable)
  if (reserved !== undefined) throw refuse(`: ${reserved} is the enclave's to set, or nobody's`)
  if (new Set(names).size < names.length) throw refuse('.secrets.names: a variable is set twice')
  if (appWordsBytes(app.command, app.env) > MAX_APP_WORDS_BYTES)
    throw refuse(`: expected at most ${MAX_APP_WORDS_BYTES} bytes of command and variables`)
  if (app.secrets?.file === app.code.file) throw refuse('.secrets.file: it is the file of the code')
  if (app.secrets !== undefined && app.secrets.artifact === app.code.artifact)
    throw refuse('.secrets.artifact: it is the artifact of the code')
  return app
}

/** Artifacts whose content keys an app needs. */
export function artifactsOf({ code: { artifact }, secrets: sealed }: AppConfig): string[] {
  return [...(artifact === undefined ? [] : [artifact]), ...(sealed === undefined ? [] : [sealed.artifact])]
}
