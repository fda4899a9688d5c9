import { type Digest, isDigest } from '@sotto/protocol/oci'
import { cliError } from '../../errors.ts'

/** Where an image is, and which. */
export interface ImageReference {
  /** Host, with a port where it is not 443. */
  registry: string
  repository: string
  tag?: string
  digest?: Digest
}

const COMPONENT = '[a-z0-9]+(?:(?:\\.|_|__|-+)[a-z0-9]+)*'
const REPOSITORY = new RegExp(`^${COMPONENT}(?:/${COMPONENT})*$`)
const TAG = /^[A-Za-z0-9_][A-Za-z0-9._-]{0,127}$/
const HOST = /^(?:[a-z0-9](?:[a-z0-9.-]*[a-z0-9])?|\[[0-9a-f:]+\])(?::[0-9]{1,5})?$/i
/** What a name without a registry means, and where that answers. */
const DOCKER_HUB = 'docker.io'
const DOCKER_HUB_HOST = 'registry-1.docker.io'

/**
 * Parses `HOST/REPOSITORY[:TAG][@DIGEST]`; a name without a host is one of Docker Hub's (distribution, "reference").
 * @throws `IMAGE_REFERENCE`
 */
export function parseReference(text: string): ImageReference {
  const at = text.indexOf('@')
  const digest = at < 0 ? undefined : text.slice(at + 1)
  const named = at < 0 ? text : text.slice(0, at)
  const slash = named.indexOf('/')
  const first = named.slice(0, Math.max(0, slash))
  const isHost = /[.:]/.test(first) || first === 'localhost'
  const rest = isHost ? named.slice(slash + 1) : named
  const colon = rest.lastIndexOf(':')
  const path = colon < 0 ? rest : rest.slice(0, colon)
  const tag = colon < 0 ? undefined : rest.slice(colon + 1)
  const registry = isHost && first !== DOCKER_HUB ? first : DOCKER_HUB_HOST
  const repository = registry === DOCKER_HUB_HOST && !path.includes('/') ? `library/${path}` : path
  const isWhole =
    HOST.test(registry) &&
    repository.length <= 255 &&
    REPOSITORY.test(repository) &&
    (tag === undefined || TAG.test(tag)) &&
    (digest === undefined || isDigest(digest))
  if (!isWhole)
    throw cliError('IMAGE_REFERENCE', 'that is no reference to an image', {
      expected: 'HOST/REPOSITORY@sha256:DIGEST',
      found: text.slice(0, 300),
    })
  return {
    registry,
    repository,
    ...(tag !== undefined && { tag }),
    ...(digest !== undefined && { digest: digest as Digest }),
  }
}

/** A reference by its digest, as people and templates write it. */
export function formatReference({ registry, repository }: ImageReference, digest: Digest): string {
  return `${registry === DOCKER_HUB_HOST ? DOCKER_HUB : registry}/${repository}@${digest}`
}
