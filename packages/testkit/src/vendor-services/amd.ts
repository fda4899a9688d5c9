import { fromUtf8, toHex, utf8 } from '@sotto/protocol/bytes'
import { parseSnpReport, type SnpProduct, decodeTcb } from '@sotto/verifier/snp'
import type { FakeAmd, FakeChip } from '../snp/index.ts'
import type { VendorAnswer } from './server.ts'

const NAMES: Record<SnpProduct, string> = { milan: 'Milan', genoa: 'Genoa', turin: 'Turin' }
/** KDS sends this for everything. */
const KDS = { 'content-type': 'application/octet-stream' }

/** Path of a chip's certificate at KDS, as AMD 57230 chapter 4 has it; written here again, for tests of who builds it. */
export function kdsVcekPath(product: SnpProduct, report: Uint8Array): string {
  const { CHIP_ID, REPORTED_TCB } = parseSnpReport(report)
  const { fmc, bl, tee, snp, ucode } = decodeTcb(product, REPORTED_TCB)
  const hwid = toHex(CHIP_ID.subarray(0, product === 'turin' ? 8 : 64))
  const two = (level: number): string => String(level).padStart(2, '0')
  const first = fmc === undefined ? '' : `fmcSPL=${two(fmc)}&`
  const query = `${first}blSPL=${two(bl)}&teeSPL=${two(tee)}&snpSPL=${two(snp)}&ucodeSPL=${two(ucode)}`
  return `amdKds/vcek/v1/${NAMES[product]}/${hwid}?${query}`
}

/** Answers of KDS, and of Azure's cache, to everything that reports of this chip need. */
export function amdAnswers(
  amd: FakeAmd,
  chip: FakeChip,
  product: SnpProduct,
  report: Uint8Array,
): [string, VendorAnswer][] {
  const chain = chip.collateral['chain']!
  const vlekChain = utf8(amd.issuer(product, 'VLEK').pem + amd.ark(product).pem)
  const crl = amd.ark(product).crl()
  const pem = { 'content-type': 'application/x-pem-file' }
  return [
    [kdsVcekPath(product, report), { headers: KDS, body: chip.leaf.der }],
    [`amdKds/vcek/v1/${NAMES[product]}/cert_chain`, { headers: pem, body: chain }],
    [`amdKds/vcek/v1/${NAMES[product]}/crl`, { headers: KDS, body: crl }],
    [`amdKds/vlek/v1/${NAMES[product]}/cert_chain`, { headers: pem, body: vlekChain }],
    [`amdKds/vlek/v1/${NAMES[product]}/crl`, { headers: KDS, body: crl }],
    [
      'azureMetadata/metadata/THIM/amd/certification',
      {
        headers: { 'content-type': 'application/json; charset=utf-8' },
        body: utf8(
          JSON.stringify({
            vcekCert: chip.leaf.pem,
            tcbm: 'DB18000000000304',
            certificateChain: fromUtf8(chain),
            cacheControl: '86400',
          }),
        ),
      },
    ],
  ]
}
