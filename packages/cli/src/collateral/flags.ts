import { type EndpointName, type TcbUpdate, VENDOR_ENDPOINTS } from '@sotto/client/collateral'
import { cliError } from '../errors.ts'

/** Names under which `--mirror` knows the vendors' services. */
const SERVICES: Readonly<Record<string, EndpointName>> = {
  __proto__: null as never,
  'amd-kds': 'amdKds',
  'intel-pcs': 'intelPcs',
  'intel-certificates': 'intelCertificates',
  'azure-thim': 'azureThim',
  'azure-metadata': 'azureMetadata',
  'nvidia-ocsp': 'nvidiaOcsp',
  'nvidia-rim': 'nvidiaRim',
  'nvidia-nras': 'nvidiaNras',
}

/** Mirrors of `--mirror SERVICE=URL`. @throws `CLI_USAGE` */
export function parseMirrors(values: readonly string[] = []): Partial<Record<EndpointName, string>> {
  const mirrors: Partial<Record<EndpointName, string>> = {}
  for (const value of values) {
    const [, name = '', url = ''] = /^([a-z-]+)=(.+)$/.exec(value) ?? []
    const service = SERVICES[name]
    if (service === undefined || service in mirrors)
      throw cliError('CLI_USAGE', '--mirror takes each service once', {
        expected: `SERVICE=URL with one of ${Object.keys(SERVICES).join(', ')}`,
        found: value,
      })
    mirrors[service] = url
  }
  return mirrors
}

/** Evaluation of `--tcb`. @throws `CLI_USAGE` */
export function parseTcbUpdate(value = 'standard'): TcbUpdate {
  if (value === 'standard' || value === 'early') return value
  if (/^[1-9]\d{0,8}$/.test(value)) return Number(value)
  throw cliError('CLI_USAGE', '--tcb takes an evaluation of Intel', {
    expected: 'standard, early or a number',
    found: value,
  })
}

/** Where questions go, for `--help`. */
export const VENDOR_HOSTS: string = [
  ...new Set(Object.values(VENDOR_ENDPOINTS).map((url) => new URL(url).host)),
].join(', ')
