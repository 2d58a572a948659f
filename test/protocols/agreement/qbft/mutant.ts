import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join, resolve } from 'node:path'
import { pathToFileURL } from 'node:url'
import type { Qbft } from '../../../../protocols/agreement/qbft/qbft.ts'

const FOLDER = resolve('protocols/agreement/qbft')

/** One guard of the machine taken out: what stands in a file, and what stands there instead. */
export interface Edit {
  readonly file: string
  readonly from: string
  readonly to: string
}

/** The machine of a copy of its folder in which these edits were made. An edit that fits nowhere, or twice, throws. */
export async function mutant(edits: readonly Edit[]): Promise<typeof Qbft> {
  const folder = mkdtempSync(join(tmpdir(), 'holdfast-mutant-'))
  try {
    for (const file of readdirSync(FOLDER)) {
      const source = edits
        .filter((edit) => edit.file === file)
        .reduce((text, edit) => replaceOnce(text, edit), readFileSync(join(FOLDER, file), 'utf8'))
      writeFileSync(join(folder, file), rooted(source))
    }
    const made = (await import(pathToFileURL(join(folder, 'qbft.ts')).href)) as {
      Qbft: typeof Qbft
    }
    return made.Qbft
  } finally {
    rmSync(folder, { recursive: true })
  }
}

function replaceOnce(text: string, { file, from, to }: Edit): string {
  if (text.split(from).length !== 2) throw new Error(`${file} has not exactly one: ${from}`)
  return text.replace(from, () => to)
}

/** Imports that leave the folder, and those of packages, by the address they have from there. */
const rooted = (source: string): string =>
  source.replace(/from '((?:\.\.\/|@)[^']+)'/g, (_, target: string) =>
    target.startsWith('@')
      ? `from '${import.meta.resolve(target)}'`
      : `from '${pathToFileURL(resolve(dirname(join(FOLDER, 'x')), target)).href}'`,
  )
