// Usage: node main.mjs <quote.bin> <collateral.json> <unix seconds>. Exits with 0 where the quote verifies.
// The bench imports it, too: `prepare` gives one verification to repeat.
import { readFileSync } from 'node:fs'
import { pathToFileURL } from 'node:url'
import qvl from '@phala/dcap-qvl'

const BINARY = ['root_ca_crl', 'pck_crl', 'tcb_info_signature', 'qe_identity_signature']

export function prepare(quoteFile, collateralFile, at) {
  const quote = readFileSync(quoteFile)
  const given = Object.entries(JSON.parse(readFileSync(collateralFile, 'utf8')))
  const collateral = Object.fromEntries(
    given.map(([name, text]) => [name, BINARY.includes(name) ? Buffer.from(text, 'hex') : text]),
  )
  return () => qvl.verify(quote, collateral, at)
}

if (process.argv[1] && import.meta.url === pathToFileURL(process.argv[1]).href) {
  const [quoteFile, collateralFile, at] = process.argv.slice(2)
  await prepare(quoteFile, collateralFile, Number(at))()
}
