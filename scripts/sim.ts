import { parseArgs } from 'node:util'
import { EpochMember } from '../protocols/agreement/epoch/machine.ts'
import { live } from '../test/committee/sim/life.ts'

const USAGE = `npm run sim -- --seeds 10000 [--start 1]   (committees from that many seeds, counted from --start)
npm run sim -- --seed 17                   (one of them again, with everything that happened)
--short: a third of the trouble, as in the test suite`

const print = (line: string): void => void process.stdout.write(`${line}\n`)

const { values } = parseArgs({
  options: {
    seeds: { type: 'string', default: '100' },
    start: { type: 'string', default: '1' },
    seed: { type: 'string' },
    short: { type: 'boolean', default: false },
    help: { type: 'boolean', default: false },
  },
})

process.exitCode = values.help ? usage() : values.seed === undefined ? many() : one(values.seed)

function usage(): number {
  print(USAGE)
  return 0
}

function one(named: string): number {
  const { world, broken } = live({
    seed: integer('seed', named),
    machine: { EpochMember },
    trace: true,
    isShort: values.short,
  })
  for (const line of world.trace.lines) print(line)
  print(broken === null ? 'nothing broke' : broken.message)
  return broken === null ? 0 : 1
}

function many(): number {
  const [start, seeds] = [integer('start', values.start), integer('seeds', values.seeds)]
  const totals = new Map<string, number>()
  let failed = 0
  for (let seed = start; seed < start + seeds; seed++) {
    const { world, broken } = live({ seed, machine: { EpochMember }, isShort: values.short })
    for (const [name, count] of Object.entries(world.observer.counts))
      totals.set(name, (totals.get(name) ?? 0) + count)
    if ((seed - start + 1) % 500 === 0) print(`${seed - start + 1} seeds, ${failed} failed`)
    if (broken === null) continue
    failed++
    print(`seed ${seed}: ${broken.message}   (npm run sim -- --seed ${seed})`)
  }
  const did = [...totals].map(([name, count]) => `${count} ${name}`).join(', ')
  print(`${seeds} seeds from ${start}: ${failed} failed; ${did}`)
  return failed === 0 ? 0 : 1
}

function integer(name: string, text: string): number {
  const value = Number(text)
  if (!Number.isSafeInteger(value) || value < 1)
    throw new Error(`--${name} is no whole number above 0`)
  return value
}
