import { InvalidArgumentError, Option } from 'commander'

/** `--json`: one JSON line on stdout, errors as one on stderr. Every command has it. */
export const jsonOption = (): Option =>
  new Option('--json', 'print JSON: the result on stdout, an error on stderr')

/** `--dir` of a command that speaks with the operator's own node. */
export const nodeOption = (): Option =>
  new Option('--dir <dir>', "directory of one's own node").makeOptionMandatory()

/** A list with commas. */
export const asList = (text: string): readonly string[] =>
  text
    .split(',')
    .map((part) => part.trim())
    .filter((part) => part !== '')

/** An option that may be given several times, or as a list with commas. */
export const collected = (text: string, before: readonly string[] = []): readonly string[] => [
  ...before,
  ...asList(text),
]

export const asPort = (text: string): number => whole(text, 0, 65_535)
export const asCount = (text: string): number => whole(text, 1, 65_535)

/** Node numbers: several arguments, or one list with commas. */
export const asNumbers = (text: string, before: readonly number[] = []): readonly number[] => [
  ...before,
  ...asList(text).map(asCount),
]

function whole(text: string, min: number, max: number): number {
  const value = /^\d{1,9}$/.test(text) ? Number(text) : Number.NaN
  if (!(value >= min && value <= max))
    throw new InvalidArgumentError(`It must be a whole number from ${min} to ${max}.`)
  return value
}
