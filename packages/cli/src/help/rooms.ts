/** A draft of a contract with one of everything that people ask for most. */
export const EXAMPLE_DRAFT = `title: Offers for shared customers
parties: [bank, retailer]            # members of the room; their keys come from there
inputs:
  customers:
    owner: bank
    kind: table                      # table, text, audio, image, model, code
    columns: {customer_id: text, iban: text, age: integer, segment: text}
    rules:
      receivers: [bank, retailer]    # who may have what comes of it at all
      forbidden: [iban]              # columns that no output shows
      min_contributors: 20           # only figures over so many
      contributor: customer_id       # the column that tells contributors apart
  purchases:
    owner: retailer
    kind: table
    columns: {customer_id: text, region: text, amount: integer}
    rules:
      receivers: [bank, retailer]
      min_contributors: 20
      contributor: customer_id
      noisy: false                   # true: only results with noise
      review: true                   # the owner looks at each output
    uses:                            # default: all that it reaches, 100 runs each
      offers: {runs: 50}
      spending: {runs: 4, epsilon: 2}
transforms:
  offers:
    reads: [customers, purchases]
    sql:
      templates:
        by-region:
          # or file: by-region.sql
          sql: |
            SELECT segment, count(*) AS people
            FROM customers JOIN purchases USING (customer_id)
            WHERE region = $region AND age >= $age GROUP BY segment
          parameters:
            region: {type: text, one_of: [north, south]}
            age: {type: integer, min: 18, max: 99}
      join_keys: [customer_id]
      max_rows: 1000
  spending:                          # with noise: of one table of people, groups listed by CASE
    reads: [purchases]
    sql:
      templates:
        total:
          sql: SELECT count(*) AS bought, sum(amount) AS spent FROM purchases
      noise: {epsilon: 0.5, max_rows_per_contributor: 4, clip: {min: 0, max: 10000}}
      max_rows: 1000
outputs:
  met-offers: {from: offers, receivers: [bank, retailer], max_bytes: 1MiB}
  spent: {from: spending, receivers: [bank], max_bytes: 64KiB}
consent: {logging: true, telemetry: true}
valid: {days: 90}                    # from: 2027-01-31, default: when it is proposed
`

/** Text of `sotto help rooms`. */
export const ROOMS_TOPIC = `Clean rooms

Parties compute on each other's data without showing it. Each has a key of its own; whoever has the
invitation is a member, and what binds anybody is signed with a key.

  sotto room init NAME --as PARTY     make the room; give the invitation to the others
  sotto room join - --as PARTY        enter it; compare fingerprints by voice or in person
  sotto room propose FILE             show a contract, made of a draft like the one below
  sotto room vote ITEM yes            sign it; later consent to runs, and let results out
  sotto room data add INPUT FILE      bring data, sealed for runs of that contract alone
  sotto room run TRANSFORM            ask for a run, and see it through
  sotto room outputs                  open what is for you, and keep what proves the run
  sotto room status                   what is there, and what you can do next

A draft. Other computations than sql, in its place:

  infer: {action: summarise, model: INPUT, digest: HEX or path: FOLDER, prompt: TEXT,
          settings: {max_tokens: N, min_tokens: N, beams: N, no_repeat_ngram: N}, labels: [...]}
  wasm: {module: INPUT, args: [...], memory: 64MiB, seconds: N, fuel_millions: N}
  container: {image: INPUT, manifest: HEX, command: [...], env: {...}, memory: 1GiB, seconds: N}
  train: sotto help training has all of it

A transform takes room: [HEX] where it is to run in other images than that of the service; an input
takes content: HEX (sotto room data digest) and its draft salt: BASE64URL where all agree beforehand
on what exactly it is; rules take max_common_words: N for texts and recordings.

${EXAMPLE_DRAFT}`
