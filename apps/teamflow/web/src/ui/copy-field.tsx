import { Button, TextInput } from '@mantine/core';
import { type ReactElement, useState } from 'react';
import { sayFailed } from './toasts.tsx';
import './copy-field.css';

interface CopyFieldProps {
  readonly label: string;
  readonly value: string;
  readonly description: string;
}

/** Text to be taken elsewhere. */
export function CopyField({ label, value, description }: CopyFieldProps): ReactElement {
  const [isCopied, setCopied] = useState(false);
  const copy = async (): Promise<void> => {
    try {
      await navigator.clipboard.writeText(value);
      setCopied(true);
    } catch (error) {
      sayFailed('It was not copied: mark it and copy it yourself.', error);
    }
  };
  return (
    <div className="copy-field">
      <TextInput
        label={label}
        description={description}
        value={value}
        readOnly
        onFocus={(event) => event.currentTarget.select()}
      />
      <Button variant="default" onClick={() => void copy()}>
        {isCopied ? 'Copied' : 'Copy'}
      </Button>
    </div>
  );
}
