/** Synthetic stays in three hospitals, the same for the same seed. */
import { createRandom } from '../driver/random.mjs'

export const HOSPITALS = ['north', 'south', 'east']
/** Age of one patient of the north whom nobody else is as old as. */
export const ALONE = 104
const DIAGNOSES = ['asthma', 'diabetes', 'fracture', 'pneumonia']
/** Stays for what is rare, one patient each. Of leprosy the north has fewer than the contract asks for. */
const RARE = { north: { leprosy: 5 }, south: { leprosy: 30 }, east: { leprosy: 40, malaria: 60 } }

/**
 * @param {{rows: number, seed: string}} options `rows`: stays in each hospital
 * @returns {{stays: Record<string, any[]>, canaries: Record<string, string[]>}}
 */
export function generate({ rows, seed }) {
  const random = createRandom(`hospitals ${seed}`)
  const canaries = Object.fromEntries(HOSPITALS.map((name) => [name, [`Thaddeus-${random.hex(16)}`]]))
  const stays = Object.fromEntries(
    HOSPITALS.map((hospital) => {
      const rare = Object.entries(RARE[hospital]).flatMap(([diagnosis, count]) =>
        Array(count).fill(diagnosis),
      )
      const common = rows - rare.length - 1
      const list = [
        ...rare.map((diagnosis, at) => stay(random, `${hospital}-r${at}`, diagnosis)),
        // Some come twice.
        ...Array.from({ length: common }, () =>
          stay(random, `${hospital}-${random.integer(1, common)}`, random.pick(DIAGNOSES)),
        ),
        { ...stay(random, `${hospital}-last`, 'fracture'), name: canaries[hospital][0] },
      ]
      if (hospital === 'north') list.at(-1).age = ALONE
      return [hospital, list]
    }),
  )
  return { stays, canaries }
}

function stay(random, patient, diagnosis) {
  return {
    patient,
    name: `Patient ${patient}`,
    diagnosis,
    age: random.integer(18, 95),
    days: random.integer(1, 30),
    readmitted: random.chance(0.1) ? 1 : 0,
  }
}
