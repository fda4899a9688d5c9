// Usage: main.mjs <quote.bin> <collateral.json> <unix seconds> <seconds to measure>. Prints microseconds of CPU per verification.
import { readFileSync } from 'node:fs'
import qvl from '@phala/dcap-qvl'

const [quoteFile, collateralFile, at, seconds] = process.argv.slice(2)
const quote = readFileSync(quoteFile)
const given = JSON.parse(readFileSync(collateralFile, 'utf8'))
const binary = ['root_ca_crl', 'pck_crl', 'tcb_info_signature', 'qe_identity_signature']
const collateral = Object.fromEntries(
  Object.entries(given).map(([name, text]) => [
    name,
    binary.includes(name) ? Buffer.from(text, 'hex') : text,
  ]),
)
const once = async () => qvl.verify(quote, collateral, Number(at))
for (const end = performance.now() + 1000; performance.now() < end;) await once()
const start = process.cpuUsage()
let count = 0
for (const end = performance.now() + seconds * 1000; performance.now() < end; count++) await once()
const { user, system } = process.cpuUsage(start)
console.log(JSON.stringify({ microseconds: (user + system) / count }))
