import { useState } from 'react';
import { useDesk } from '../desk/desk.tsx';
import { Dialog } from '../ui/dialog.tsx';
import { areKeysOn, setKeysOn, useBindings } from './keys.ts';

const isMac = navigator.platform.startsWith('Mac');
const keyName = (key: string): string =>
  key
    .replace(/^mod\+(.)/, (_, letter: string) => `${isMac ? '⌘' : 'Ctrl'} ${letter.toUpperCase()}`)
    .replace('Escape', 'Esc')
    .replace('ArrowLeft', '←')
    .replace('ArrowRight', '→');
const Keys = ({ keys }: { keys: string }) => (
  <span className="keys">
    {keys.split(' ').map((key) => (
      <kbd key={key}>{keyName(key)}</kbd>
    ))}
  </span>
);

/** Every key that does something here and now. */
export const KeysSheet = () => {
  const { close } = useDesk();
  const bindings = useBindings();
  const [isOn, setOn] = useState(areKeysOn);
  const groups = [...new Set(bindings.map(({ group }) => group))];
  return (
    <Dialog title="Keys" onClose={close} className="wide">
      <div className="keys-groups">
        {groups.map((group) => (
          <section key={group}>
            <h3>{group}</h3>
            <dl className="keys-list">
              {bindings
                .filter((binding) => binding.group === group)
                .map(({ keys, label }) => (
                  <div key={keys + label}>
                    <dt>{label}</dt>
                    <dd>
                      <Keys keys={keys} />
                    </dd>
                  </div>
                ))}
            </dl>
          </section>
        ))}
      </div>
      <label className="check">
        <input
          type="checkbox"
          checked={isOn}
          onChange={({ target }) => {
            setKeysOn(target.checked);
            setOn(target.checked);
          }}
        />
        Single keys work (keys with {isMac ? '⌘' : 'Ctrl'} always do)
      </label>
    </Dialog>
  );
};
