import { AutopilotError } from '../kernel/errors.ts';

/** One thing that is wrong with a plan. */
export interface PlanMistake {
  /** Where: "flows[0].steps[2].path"; empty: the plan as a whole. */
  readonly place: string;
  /** In the file it was read from, from 1; of a module where its plan begins; null when it came from a program. */
  readonly line: number | null;
  readonly message: string;
  readonly remedy: string;
}

const SHOWN = 10;

/** A plan that can't be run; nothing was sent. Lists every mistake that was found. */
export class LoadPlanError extends AutopilotError {
  readonly mistakes: readonly PlanMistake[];

  constructor(source: string, mistakes: readonly PlanMistake[], cause?: unknown) {
    const lines = mistakes.slice(0, SHOWN).map(({ place, line, message, remedy }) => {
      const where = line === null ? source : `${source}:${line}`;
      return `${where}: ${place === '' ? '' : `${place}: `}${message} ${remedy}`;
    });
    if (mistakes.length > SHOWN) lines.push(`... and ${mistakes.length - SHOWN} more.`);
    super(
      'AP_LOAD_PLAN_INVALID',
      `The plan has ${mistakes.length === 1 ? 'a mistake' : `${mistakes.length} mistakes`}, and nothing was sent:\n${lines.join('\n')}`,
      { remedy: mistakes[0]?.remedy ?? 'Correct the plan.', cause },
    );
    this.mistakes = mistakes;
  }
}

/** Where in a plan a part stands. */
export type Place = readonly (string | number)[];

/** "flows[0].steps[2].path" */
export function placeText(place: Place): string {
  return place.map((part, at) => (typeof part === 'number' ? `[${part}]` : `${at === 0 ? '' : '.'}${part}`)).join('');
}

/** A mistake on its way out of the part it was found in; `cause` is the mistake itself. */
export class MistakeAt extends Error {
  override readonly name: string = 'MistakeAt';
  readonly place: Place;

  constructor(place: Place, cause: unknown) {
    super(`a mistake at ${placeText(place)}`, { cause });
    this.place = place;
  }
}

/** Runs `make`; what it throws comes out with its place in front. @throws MistakeAt */
export function mistakesAt<Result>(place: Place, make: () => Result): Result {
  try {
    return make();
  } catch (thrown) {
    if (thrown instanceof MistakeAt) throw new MistakeAt([...place, ...thrown.place], thrown.cause);
    throw new MistakeAt(place, thrown);
  }
}
