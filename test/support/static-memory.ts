import { readdir, readFile } from 'node:fs/promises'
import { basename, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { assemblyText, KERNEL_ENTRY } from '../../scripts/build-kernel.ts'

const ROOT = fileURLToPath(new URL('../..', import.meta.url))
const SOURCES = 'protocols/kernel/assembly'

/** What the kernel's sources declare with `memory.data`: `file/name`, from `at` to the next. */
export interface Static {
  readonly name: string
  readonly at: number
  readonly end: number
}

/** The map of the kernel's static memory, which ends where the heap would begin. */
export async function staticMemory(): Promise<{ readonly all: Static[]; readonly end: number }> {
  const text = await assemblyText({ root: ROOT, entry: KERNEL_ENTRY })
  const declared = await declarations()
  const names = new Map<number, string>()
  const globals = /\(global \$protocols\/kernel\/assembly\/(\S+) i32 \(i32\.const (\d+)\)\)/g
  for (const [, name = '', at] of text.matchAll(globals))
    if (declared.has(name)) names.set(Number(at), name)
  const starts = Array.from(text.matchAll(/\(data \$\S+ \(i32\.const (\d+)\)/g), ([, at]) =>
    Number(at),
  ).sort((a, b) => a - b)
  const end = Number(/global \$~lib\/memory\/__heap_base i32 \(i32\.const (\d+)\)/.exec(text)?.[1])
  const all = starts.map((at, i) => {
    return { name: names.get(at) ?? `unnamed at ${at}`, at, end: starts[i + 1] ?? end }
  })
  return { all, end }
}

async function declarations(): Promise<Set<string>> {
  const declared = new Set<string>()
  for (const file of await readdir(join(ROOT, SOURCES))) {
    if (!file.endsWith('.ts')) continue
    const source = await readFile(join(ROOT, SOURCES, file), 'utf8')
    for (const [, name] of source.matchAll(/^(?:export )?const (\w+)(?:: usize)? = memory\.data/gm))
      declared.add(`${basename(file, '.ts')}/${name}`)
  }
  return declared
}
