import { cpSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import type { EpochMember } from '../../../protocols/agreement/epoch/machine.ts'

/** One place of the source, which must be there exactly once, and what stands there instead. */
export interface Mutation {
  /** Below `protocols/agreement/`. */
  readonly file: string
  readonly from: string
  readonly to: string
}

const AGREEMENT = new URL('../../../protocols/agreement/', import.meta.url)
/** Rooms that are copied; everything else of the source stays shared with the original. */
const COPIED = ['epoch', 'qbft', 'rules']

/** The member with something taken out of its source. So no guard needs a switch that a running node could find. */
export async function mutant(
  mutations: readonly Mutation[],
): Promise<{ readonly EpochMember: typeof EpochMember }> {
  const folder = mkdtempSync(join(tmpdir(), 'holdfast-mutant-'))
  try {
    writeFileSync(join(folder, 'package.json'), '{"type":"module"}')
    for (const room of COPIED) copyRoom(folder, room)
    for (const { file, from, to } of mutations) {
      const path = join(folder, file)
      const source = readFileSync(path, 'utf8')
      if (source.split(from).length !== 2) throw new Error(`bug: not once in ${file}: ${from}`)
      writeFileSync(
        path,
        source.replace(from, () => to),
      )
    }
    return (await import(pathToFileURL(join(folder, 'epoch/machine.ts')).href)) as {
      EpochMember: typeof EpochMember
    }
  } finally {
    rmSync(folder, { recursive: true })
  }
}

function copyRoom(folder: string, room: string): void {
  const source = new URL(`${room}/`, AGREEMENT)
  cpSync(source, join(folder, room), { recursive: true })
  for (const name of readdirSync(join(folder, room))) {
    const path = join(folder, room, name)
    const text = readFileSync(path, 'utf8').replace(/from '([^']+)'/g, (whole, target: string) => {
      if (target.startsWith('./') || COPIED.some((copied) => target.startsWith(`../${copied}/`)))
        return whole
      const found = target.startsWith('.')
        ? new URL(target, source).href
        : import.meta.resolve(target)
      return `from '${found}'`
    })
    writeFileSync(path, text)
  }
}
