// On or off.
export function Switch({ label, isOn, onChange }: { label: string; isOn: boolean; onChange(isOn: boolean): void }) {
	return <button type="button" class="sw" role="switch" aria-label={label} aria-checked={isOn} onClick={() => onChange(!isOn)} />;
}
