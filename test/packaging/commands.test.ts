import assert from 'node:assert/strict'
import { globSync, readFileSync } from 'node:fs'
import { EXIT } from '../../src/cli/exit-codes.ts'
import { runWith } from '../src/cli/fake-context.ts'

const HEX = 'ab'.repeat(32)

/** The words of a documented command, with something in the place of what a reader has to fill in. */
const wordsOf = (line: string): string[] =>
  line
    .replace(/holdfast:<network id>@<[^>]*>/g, `holdfast:${HEX}@/ip4/127.0.0.1/tcp/4001`)
    .replace(/<(hash|sha-256[^>]*)>/g, HEX)
    .replace(/<address[^>]*>/g, '/ip4/127.0.0.1/tcp/4001')
    .split('#')[0]
    ?.trim()
    .split(/\s+/) ?? []

/** What commander says of a command line that it does not know. */
const UNKNOWN =
  /unknown (command|option)|missing required|required option|too many arguments|argument .* is invalid/

const commands = ['README.md', ...globSync('docs/operations/*.md')].flatMap((page) =>
  [...readFileSync(page, 'utf8').matchAll(/^```[a-z]*\n([\s\S]*?)^```/gm)].flatMap(
    ([, block = '']) =>
      block
        .split('\n')
        .filter((line) => line.startsWith('holdfast '))
        .map((line) => ({ page, line })),
  ),
)

describe('documented commands', () => {
  it('are found', () => {
    assert.ok(commands.length > 12)
  })

  for (const { page, line } of commands)
    it(`${page}: ${line}`, async () => {
      const [, ...args] = wordsOf(line)
      const { stderr } = await runWith([...args], {})
      assert.doesNotMatch(stderr, UNKNOWN)
    })

  for (const line of [
    'holdfast epoch advance --dir x',
    'holdfast leave',
    'holdfast refresh --force --dir x',
  ])
    it(`would not be "${line}"`, async () => {
      const [, ...args] = wordsOf(line)
      const { code, stderr } = await runWith([...args], {})
      assert.equal(code, EXIT.refused)
      assert.match(stderr, /unknown (command|option)|required option/)
    })
})
