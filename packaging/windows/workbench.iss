; Inno Setup script: iscc packaging\windows\workbench.iss, after `make bundle` on Windows. Untested so far.
#define Version "0.1.0"

[Setup]
AppId={{6C2A8F0E-52C9-4E0B-9E0B-0B8E8C7B7C11}
AppName=Paper workbench
AppVersion={#Version}
DefaultDirName={autopf}\Paper workbench
DefaultGroupName=Paper workbench
PrivilegesRequired=lowest
PrivilegesRequiredOverridesAllowed=dialog
ArchitecturesAllowed=x64compatible
ArchitecturesInstallIn64BitMode=x64compatible
OutputDir=..\..\dist
OutputBaseFilename=paper-workbench-{#Version}-windows
SetupIconFile=..\..\build\icons\workbench.ico
UninstallDisplayIcon={app}\workbench.exe
ChangesAssociations=yes
Compression=lzma2
SolidCompression=yes

[Files]
Source: "..\..\dist\workbench\*"; DestDir: "{app}"; Flags: recursesubdirs ignoreversion

[Icons]
Name: "{group}\Paper workbench"; Filename: "{app}\workbench.exe"

[Registry]
Root: HKA; Subkey: "Software\Classes\.workbench-run"; ValueType: string; ValueData: "PaperWorkbench.run"; Flags: uninsdeletevalue
Root: HKA; Subkey: "Software\Classes\PaperWorkbench.run"; ValueType: string; ValueData: "Workbench run"; Flags: uninsdeletekey
Root: HKA; Subkey: "Software\Classes\PaperWorkbench.run\DefaultIcon"; ValueType: string; ValueData: "{app}\workbench.exe,0"
Root: HKA; Subkey: "Software\Classes\PaperWorkbench.run\shell\open\command"; ValueType: string; ValueData: """{app}\workbench.exe"" ""%1"""

[Run]
Filename: "{app}\workbench.exe"; Description: "Start the workbench"; Flags: nowait postinstall skipifsilent
